/** What an ordinary day of an agent needs: shell commands that must work inside a run, by what they are for. */
export const ORDINARY: Readonly<Record<string, string>> = {
  'git add, commit, log':
    'echo x > x.txt && git add -A && git commit -qm one && git log --oneline | grep -q one',
  'git branch and merge':
    'git checkout -qb side && echo s > s.txt && git add -A && git commit -qm side && git checkout -q - && git merge -q side && git branch -d side',
  'git stash':
    'echo y >> x.txt && git stash -q && git stash pop -q && grep -q y x.txt && git checkout -q x.txt',
  'git diff, blame, show, tag':
    'git diff HEAD~1 --stat | grep -q . && git blame x.txt | grep -q . && git show -s HEAD && git tag t && git tag -d t',
  'git rebase':
    'git checkout -qb topic HEAD~1 && echo r > r.txt && git add -A && git commit -qm r && git rebase -q - && git checkout -q - && git merge -q --ff-only topic && git branch -d topic',
  'git cherry-pick and revert':
    'git checkout -qb pick && echo p > p.txt && git add -A && git commit -qm p && git checkout -q - && git cherry-pick pick > /dev/null && git revert --no-edit HEAD > /dev/null && git branch -qD pick && ! test -e p.txt',
  'git reset, clean and restore':
    'echo junk > junk && echo z >> x.txt && git restore x.txt && git clean -qfd && git reset -q --hard && test -z "$(git status --porcelain)"',
  'git mv and rm':
    'git mv s.txt moved.txt && git commit -qm moved && git rm -q moved.txt && git commit -qm removed',
  'git worktree':
    'git worktree add -q /tmp/tree HEAD && test -e /tmp/tree/x.txt && git worktree remove /tmp/tree',
  'git bisect':
    'git bisect start HEAD HEAD~2 > /dev/null && git bisect run true > /dev/null && git bisect reset > /dev/null 2>&1',
  'git amend and reflog': 'git commit -q --amend --no-edit && git reflog | grep -q amend',
  'git apply and format-patch':
    'echo patch >> x.txt && git diff > /tmp/p && git checkout -q x.txt && git apply /tmp/p && git checkout -q x.txt && git format-patch -q -1 -o /tmp',
  'git gc and fsck': 'git gc -q && git fsck > /dev/null 2>&1',
  'git grep and ls-files': 'git grep -q x -- x.txt && git ls-files | grep -q x.txt',
  'a hook of its own':
    'mkdir -p .git/hooks && printf "#!/bin/sh\\necho ran > /tmp/hooked\\n" > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit && git commit -q --allow-empty -m hooked && test -e /tmp/hooked && rm .git/hooks/pre-commit',
  'npm test and npm run': 'npm test > /tmp/npm.out 2>&1 && npm run --silent hello | grep -q hello',
  'npx of what is installed': 'npx --no-install local-tool | grep -q tool',
  'npm pack': 'npm pack --silent --pack-destination /tmp | grep -q tgz',
  'node and its tests': 'node -e "process.exit(0)" && node --test test.mjs > /dev/null',
  'node workers and WebAssembly': `node -e "const {Worker}=require('worker_threads');new Worker('new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0]))',{eval:true}).on('exit',(code)=>process.exit(code))"`,
  'node child processes and their messages': `echo "process.on('message',(m)=>process.send(m+1))" > /tmp/c.js && node -e "const c=require('child_process').fork('/tmp/c.js');c.send(1);c.on('message',(m)=>{c.kill();process.exit(m===2?0:1)})"`,
  'node watches files': `node -e "const fs=require('fs');const w=fs.watch('.',()=>{w.close();fs.rmSync('watched');process.exit(0)});fs.writeFileSync('watched','x')"`,
  'perl, awk, sed, where they are': 'echo a | sed s/a/b/ | awk "{print}" | grep -q b && perl -e "exit 0"',
  'python, where it is':
    'command -v python3 > /dev/null || exit 0; python3 -c "import json, ssl, sqlite3, subprocess; subprocess.check_call([\'true\'])"',
  'a database of its own': `node -e "const {DatabaseSync}=require('node:sqlite');const d=new DatabaseSync('/work/own.db');d.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x)');d.close();require('fs').rmSync('/work/own.db')"`,
  pipes: 'seq 1 1000 | sort -rn | head -1 | grep -qx 1000',
  'named pipes and process substitution':
    'mkfifo /tmp/pipe && (echo through > /tmp/pipe &) && grep -q through /tmp/pipe && bash -c "diff <(echo a) <(echo a)"',
  'here documents and globs': 'cat <<END | grep -q "x.txt"\n$(ls *.txt)\nEND',
  'temporary files': 'f=$(mktemp) && echo t > $f && grep -q t $f && test -w "$TMPDIR" && test -w "$HOME"',
  'background jobs': 'sleep 0.1 & wait $!; (sleep 0.1; exit 3) & wait $!; test $? = 3',
  'signals and traps': 'sh -c \'trap "exit 5" TERM; kill -TERM $$; sleep 1\'; test $? = 5',
  'time limits and niceness': 'timeout 0.1 sleep 5; test $? = 124 && nice -n 5 true',
  'ps of its own': 'command -v ps > /dev/null || exit 0; ps -e | grep -q sh',
  'many processes at once': 'for i in $(seq 30); do sleep 0.05 & done; wait',
  'many files':
    'mkdir many && i=0; while [ $i -lt 500 ]; do echo $i > many/$i; i=$((i+1)); done; test $(ls many | wc -l) = 500 && rm -r many',
  'big files': 'head -c 50000000 /dev/zero > /work/big && test $(stat -c %s big) = 50000000 && rm big',
  'sparse files and truncation': 'truncate -s 1G sparse && truncate -s 0 sparse && rm sparse',
  'deep folders': 'd=$(printf "deep/%.0s" $(seq 60)) && mkdir -p $d && touch $d/f && rm -r deep',
  'names of all languages': 'echo x > "ünïcode 名前.txt" && ls | grep -q 名前 && rm "ünïcode 名前.txt"',
  'names with odd signs': `touch -- "a'b\\"c;d&e*f" && rm -- "a'b\\"c;d&e*f" && touch -- -dash && rm -- -dash`,
  'links of both kinds': 'ln -s x.txt soft && ln x.txt hard && cmp soft hard && rm soft hard',
  'executable bits': 'printf "#!/bin/sh\\nexit 0\\n" > run.sh && chmod +x run.sh && ./run.sh && rm run.sh',
  'locks, modes and times':
    'chmod 755 x.txt && touch -d 2020-01-01 x.txt && flock x.txt true && chmod 644 x.txt && git checkout -q x.txt',
  archives:
    'tar czf /tmp/a.tgz x.txt && mkdir /tmp/un && tar xzf /tmp/a.tgz -C /tmp/un && cmp x.txt /tmp/un/x.txt',
  'a server of its own': `node -e "const s=require('http').createServer((q,r)=>r.end('own')).listen(0,'127.0.0.1',()=>fetch('http://127.0.0.1:'+s.address().port).then(r=>r.text()).then(t=>process.exit(t==='own'?0:1)))"`,
  'a socket of its own': `node -e "const n=require('net');const s=n.createServer((c)=>c.end('x')).listen('/tmp/own.sock',()=>n.connect('/tmp/own.sock').on('data',()=>process.exit(0)))"`,
  'loopback by name and by the newer protocol': `node -e "const s=require('http').createServer((q,r)=>r.end()).listen(0,'localhost',()=>fetch('http://localhost:'+s.address().port).then(()=>process.exit(0),()=>process.exit(1)))"`,
  'shared memory': 'echo x > /dev/shm/x && grep -q x /dev/shm/x && rm /dev/shm/x',
  'random, null, zero and full':
    'head -c 16 /dev/urandom > /dev/null && head -c 4 /dev/zero | cmp -n 4 - /dev/zero && ! echo x 2> /dev/null > /dev/full',
  'a terminal of its own': `command -v script > /dev/null || exit 0; script -qec "test -t 0" /dev/null > /dev/null`,
  'what the system offers': 'ls /usr/bin | grep -q git && test -r /usr/lib && test -r /etc/passwd && id -un',
  'time zones':
    'test "$(TZ=Asia/Tokyo date -d @0 +%H 2> /dev/null)" = 09 || ! test -e /usr/share/zoneinfo/Asia/Tokyo',
  locale: 'test "$(printf ü | LC_ALL=C.UTF-8 wc -m)" = 1',
  'certificates that it can read': 'test -z "$SSL_CERT_FILE" || grep -q BEGIN "$SSL_CERT_FILE"',
  'its own processor and memory':
    'test "$(nproc)" -ge 1 && grep -q MemTotal /proc/meminfo && test -r /proc/self/status',
  'a home that it can write':
    'mkdir -p ~/.config/tool && echo setting > ~/.config/tool/rc && git config --global alias.st status && git st > /dev/null',
  'its brief and its progress': 'atrium brief | grep -q . && atrium progress "half way"',
};
