/*
 * The kernel layer of a sandbox: puts itself behind Landlock and a filter of its own, and becomes the command. It runs inside
 * the room, after the user was dropped, and trusts nothing that the room's launcher did.
 *
 *   landlock --abi
 *   landlock [--at-least N] [--read PATH]… [--write PATH]… [--connect PORT]… [--bind PORT]… [--any-port] -- COMMAND [ARG]…
 *
 * `--abi` prints which Landlock this kernel has, 0 for none. `--at-least`: nothing is started below it (default 0). What is
 * not named is denied: paths (whole trees, without symbolic links on the way), and TCP ports unless `--any-port` is given;
 * without it only TCP can leave a socket. It exits with 125 where the layer does not stand, 126 or 127 where the command
 * cannot be executed; in each of these cases nothing was started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "There is no filter for this processor."
#endif

enum { LAYER_FAILED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* The kernel's interface, written out: the headers of the machine that builds may be older than the kernel that runs. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define OPENAT2 437
#define IO_URING_SETUP 425
#define CREATE_VERSION 1u
#define RULE_PATH 1
#define RULE_PORT 2
#define RESOLVE_WITHOUT_LINKS 0x04

struct ruleset {
  uint64_t files, ports, scopes;
};
struct path_rule {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));
struct port_rule {
  uint64_t allowed, port;
};
struct open_how {
  uint64_t flags, mode, resolve;
};

enum {
  EXECUTE = 1 << 0,
  WRITE_FILE = 1 << 1,
  READ_FILE = 1 << 2,
  READ_DIR = 1 << 3,
  MAKE_CHAR = 1 << 6,
  MAKE_BLOCK = 1 << 11,
  TRUNCATE = 1 << 14,
  IOCTL_DEV = 1 << 15,
  BIND = 1 << 0,
  CONNECT = 1 << 1,
};

/* What each version of Landlock added. */
static const struct ruleset versions[] = {
    {0x1fff, 0, 0},                /* 1: reading, writing, executing, making, removing */
    {1 << 13, 0, 0},               /* 2: moving and linking across folders */
    {TRUNCATE, 0, 0},              /* 3 */
    {0, BIND | CONNECT, 0},        /* 4: TCP */
    {IOCTL_DEV, 0, 0},             /* 5 */
    {0, 0, (1 << 0) | (1 << 1)},   /* 6: abstract Unix sockets, signals */
};

static const uint64_t reading = EXECUTE | READ_FILE | READ_DIR;
/* Device nodes are made by nobody. */
static const uint64_t writing = 0xffff & ~(uint64_t)(MAKE_CHAR | MAKE_BLOCK);
/* All else is about what a folder holds, and refused by the kernel for a file. */
static const uint64_t of_files = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

static _Noreturn void fail(int code, const char *sentence, ...) {
  va_list values;
  va_start(values, sentence);
  fputs("landlock: ", stderr);
  vfprintf(stderr, sentence, values);
  fputc('\n', stderr);
  va_end(values);
  exit(code);
}

static int running_abi(void) {
  const long version = syscall(CREATE_RULESET, NULL, (size_t)0, CREATE_VERSION);
  if (version >= 0) return (int)version;
  if (errno == ENOSYS || errno == EOPNOTSUPP) return 0;
  fail(LAYER_FAILED, "the kernel does not say which Landlock it has: %s.", strerror(errno));
}

static struct ruleset handled(int abi, int any_port) {
  struct ruleset all = {0, 0, 0};
  for (size_t at = 0; at < sizeof versions / sizeof *versions && (int)at < abi; at += 1) {
    all.files |= versions[at].files;
    all.ports |= versions[at].ports;
    all.scopes |= versions[at].scopes;
  }
  if (any_port) all.ports = 0;
  return all;
}

static long number(const char *option, const char *text, long least, long most) {
  char *end = NULL;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < least || value > most)
    fail(LAYER_FAILED, "%s takes a whole number from %ld to %ld, not \"%s\".", option, least, most, text);
  return value;
}

static void allow_path(int ruleset, const char *path, uint64_t rights) {
  const struct open_how how = {O_PATH | O_CLOEXEC, 0, RESOLVE_WITHOUT_LINKS};
  if (path[0] != '/') fail(LAYER_FAILED, "the path \"%s\" is not absolute.", path);
  const int parent = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);
  if (parent < 0) fail(LAYER_FAILED, "the path %s cannot be had: %s.", path, strerror(errno));
  struct stat about;
  if (fstat(parent, &about) != 0) fail(LAYER_FAILED, "the path %s cannot be looked at: %s.", path, strerror(errno));
  const struct path_rule rule = {S_ISDIR(about.st_mode) ? rights : rights & of_files, parent};
  if (rule.allowed != 0 && syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0u) != 0)
    fail(LAYER_FAILED, "no rule could be made for %s: %s.", path, strerror(errno));
  close(parent);
}

/* The terminal that it was given may be opened again by its path. */
static void allow_own_terminal(int ruleset, uint64_t rights) {
  for (int descriptor = 0; descriptor <= 2; descriptor += 1) {
    const struct path_rule rule = {rights & writing & of_files, descriptor};
    if (isatty(descriptor) && syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0u) != 0)
      fail(LAYER_FAILED, "no rule could be made for the terminal: %s.", strerror(errno));
  }
}

static void allow_port(int ruleset, long port, uint64_t rights) {
  const struct port_rule rule = {rights, (uint64_t)port};
  if (rights != 0 && syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0u) != 0)
    fail(LAYER_FAILED, "no rule could be made for port %ld: %s.", port, strerror(errno));
}

/*
 * Landlock knows TCP alone. Without this a datagram, or TCP under another protocol's number, would go by it. io_uring makes
 * sockets that no filter sees.
 */
static void filter_sockets(int only_tcp) {
#define LOW(argument) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (argument)))
#define DENY BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define IF(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (skip), 0)
  struct sock_filter program[] = {
      LOAD(offsetof(struct seccomp_data, arch)),
      IF(THIS_ARCHITECTURE, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      LOAD(offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32 */
      DENY,
      UNLESS(IO_URING_SETUP, 1),
      DENY,
      IF(SYS_socket, 1),
      ALLOW,
      LOAD(LOW(0)),
      IF(AF_INET, 4),
      IF(AF_INET6, 3),
      IF(AF_UNIX, 10),
      IF(AF_NETLINK, 9),
      DENY,
      /* TCP, where nothing else may be. */
      LOAD(LOW(1)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, only_tcp ? 0xf : 0),
      UNLESS(only_tcp ? SOCK_STREAM : 0, 4),
      LOAD(LOW(2)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, only_tcp ? 0xffffffff : 0),
      IF(0, 2),
      IF(6, 1),
      DENY,
      ALLOW,
  };
  const struct sock_fprog filter = {sizeof program / sizeof *program, program};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
    fail(LAYER_FAILED, "the filter was not taken: %s.", strerror(errno));
}

/* Goes through the arguments up to `--`; with a ruleset it adds their rules, without one it only looks whether they hold. */
static char **walk(char **argument, long *least, int *any_port, int ruleset, const struct ruleset *rights) {
  for (; *argument != NULL && strcmp(*argument, "--") != 0; argument += 1) {
    const char *option = *argument;
    if (strcmp(option, "--any-port") == 0) {
      *any_port = 1;
      continue;
    }
    const int is_path = strcmp(option, "--read") == 0 || strcmp(option, "--write") == 0;
    const int is_port = strcmp(option, "--connect") == 0 || strcmp(option, "--bind") == 0;
    const int is_least = strcmp(option, "--at-least") == 0;
    if (!is_path && !is_port && !is_least) fail(LAYER_FAILED, "there is no option \"%s\".", option);
    const char *value = *++argument;
    if (value == NULL || strcmp(value, "--") == 0) fail(LAYER_FAILED, "%s takes a value.", option);
    if (is_least) *least = number(option, value, 0, 1000);
    if (is_port) {
      const long port = number(option, value, 0, 65535);
      if (ruleset >= 0) allow_port(ruleset, port, rights->ports & (uint64_t)(option[2] == 'c' ? CONNECT : BIND));
    }
    if (is_path && ruleset >= 0) allow_path(ruleset, value, rights->files & (option[2] == 'r' ? reading : writing));
  }
  if (*argument == NULL || argument[1] == NULL || argument[1][0] == '\0')
    fail(LAYER_FAILED, "there is no command: it comes after \"--\".");
  return argument + 1;
}

int main(int count, char **arguments) {
  if (count < 1) return LAYER_FAILED;
  if (count == 2 && strcmp(arguments[1], "--abi") == 0) return printf("%d\n", running_abi()) < 0;
  long least = 0;
  int any_port = 0;
  char **command = walk(arguments + 1, &least, &any_port, -1, NULL);
  const int abi = running_abi();
  if (abi < least) fail(LAYER_FAILED, "this kernel has Landlock %d, and %ld is needed.", abi, least);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    fail(LAYER_FAILED, "privileges could not be given up: %s.", strerror(errno));
  if (abi > 0) {
    const struct ruleset rights = handled(abi, any_port);
    const size_t size = abi < 4 ? 8 : abi < 6 ? 16 : sizeof rights;
    const int ruleset = (int)syscall(CREATE_RULESET, &rights, size, 0u);
    if (ruleset < 0) fail(LAYER_FAILED, "no ruleset could be made: %s.", strerror(errno));
    walk(arguments + 1, &least, &any_port, ruleset, &rights);
    allow_own_terminal(ruleset, rights.files);
    if (syscall(RESTRICT_SELF, ruleset, 0u) != 0)
      fail(LAYER_FAILED, "the ruleset was not taken: %s.", strerror(errno));
    close(ruleset);
  }
  filter_sockets(!any_port);
  execvp(command[0], command);
  fail(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "%s cannot be executed: %s.", command[0], strerror(errno));
}
