import type { CheckpointRule } from '../contract/config.ts';

const TESTS = [
  '**/*[._-]{test,tests,spec}.*',
  '**/{test,tests,spec}[._-]*',
  '**/{test,tests,__tests__,spec,specs,e2e,cypress}/**',
  '**/*Test.{java,kt}',
];

const CODE = ['**/*.{js,jsx,mjs,cjs,ts,tsx,mts,cts,py,go,rs,rb,java,kt,cs,php,vue,svelte}'];

/** What a test that is switched off looks like, in the languages that are known. */
const SKIPPED =
  String.raw`\.(skip|only|todo|fixme|fails|skipIf|runIf)\b|\[\s*['"\x60](skip|only|todo|fixme)['"\x60]\s*\]|\bx(it|describe|test)\s*\(|\bf(it|describe)\s*\(` +
  String.raw`|\bskip:\s*(true|['"])|pytest\.(mark\.(skip|xfail)|skip)|unittest\.(skip|expectedFailure)` +
  String.raw`|@(Disabled|Ignore)\b|#\[ignore|^\s*/\*(?!\*)|^\s*#if 0|\bif\s*\(?\s*(false|False|0)\b|\bt\.Skip(Now|f)?\(|\b(process\.)?exit\(`;

/** A line in which a test is declared, or asserts something, and that is no comment. */
const TEST_LINE = String.raw`^(?!\s*(?://|#(?!\[)|\*|/\*)).*(\b(it|test|describe)\s*[.(]|\bdef test_|\bfunc (Test|Benchmark|Fuzz)|#\[(tokio::)?test\]|@Test\b|\b(assert|expect)\w*\b)`;

/** Keys of a package's description that hold its commands, or how it is tested and checked, and what it stands on. */
const VERIFYING_KEYS =
  String.raw`"((pre|post)?(test|lint|check|typecheck|verify|build|prepare|install)[\w:.-]*` +
  String.raw`|jest|mocha|ava|nyc|c8|tap|eslintConfig|eslintIgnore|prettier|stylelint|xo|husky|lint-staged` +
  String.raw`|test(Match|Regex|PathIgnorePatterns|Environment)|coverageThreshold|ignorePatterns|setupFiles\w*|globalSetup|rules|extends|preset` +
  String.raw`|overrides|resolutions|patchedDependencies|workspaces|packageManager)"\s*:` +
  // A command that runs a tool of verification, whatever it is called by.
  String.raw`|:\s*"[^"]*\b(node --test|vitest|jest|mocha|ava|playwright|cypress|eslint|oxlint|tsc|biome|prettier|pytest|ruff)\b`;

/**
 * What a person decides about, wherever the workspace and the brand say nothing more: databases, interfaces that others use,
 * what guards access, production, and what verification itself rests on.
 */
export const CHECKPOINT_RULES: readonly CheckpointRule[] = [
  {
    name: 'migration',
    kind: 'migration',
    paths: ['**/{migrations,migration,migrate}/**', '**/*.sql', '**/schema.prisma', '**/schema.rb'],
    reason: 'it changes a database',
  },
  {
    name: 'interface-description',
    kind: 'breaking-api',
    paths: ['**/*openapi*', '**/*swagger*', '**/openapi/**', '**/*.{proto,graphql,gql,avsc,wsdl}'],
    changes: ['modified', 'deleted', 'type-changed'],
    reason: 'it changes an interface that others use',
  },
  {
    name: 'export-removed',
    kind: 'breaking-api',
    paths: ['**/index.{js,mjs,cjs,ts,mts,cts}', '**/api/**', '**/public/**/*.{js,ts}'],
    changes: ['modified', 'deleted'],
    removed: String.raw`^\s*(export\b|module\.exports|exports\.|pub (fn|struct|enum|trait)|__all__)`,
    reason: 'it takes away or changes what others may import',
  },
  {
    name: 'package-interface',
    kind: 'breaking-api',
    paths: ['**/package.json'],
    changes: ['modified', 'deleted'],
    removed: String.raw`"(main|module|exports|types|bin|engines|type)"\s*:`,
    reason: 'it changes how the package is used',
  },
  {
    name: 'security',
    kind: 'security',
    paths: [
      '**/{auth,authentication,authorization,security,crypto,secrets,permissions,acl}/**',
      '**/{auth,authentication,authorization,security,crypto,secrets,permissions,acl}.*',
      '**/.env',
      '**/.env.*',
      '**/*.{pem,key,p12,pfx,jks,keystore}',
      '**/.npmrc',
      '**/.pypirc',
      '**/.netrc',
      '**/CODEOWNERS',
      '**/.gitmodules',
    ],
    reason: 'it changes what guards access or secrets',
  },
  {
    name: 'production',
    kind: 'production',
    paths: [
      '**/{Dockerfile,Containerfile}*',
      '**/*compose*.{yml,yaml}',
      '**/{deploy,deployment,deployments,infra,terraform,k8s,kubernetes,helm,charts,ansible}/**',
      '**/*.{tf,tfvars}',
      '**/{Procfile,fly.toml,vercel.json,netlify.toml,serverless.yml,app.yaml}',
      '**/*{production,prod}.{yml,yaml,json,toml,env,config.js,config.ts}',
    ],
    reason: 'it changes what runs in production',
  },
  {
    name: 'test-deleted',
    kind: 'verification',
    paths: TESTS,
    changes: ['deleted', 'type-changed'],
    reason: 'a test is gone',
  },
  {
    name: 'test-emptied',
    kind: 'verification',
    paths: TESTS,
    changes: ['modified'],
    fewer: TEST_LINE,
    reason: 'there are fewer tests, or they assert less',
  },
  {
    name: 'test-skipped',
    kind: 'verification',
    paths: TESTS,
    changes: ['added', 'modified'],
    added: SKIPPED,
    reason: 'a test is skipped, or others beside it are',
  },
  {
    name: 'test-scripts',
    kind: 'verification',
    paths: ['**/package.json', '**/deno.{json,jsonc}', '**/composer.json'],
    // A key in another spelling, or away from its colon, is one that is not to be read.
    added: String.raw`${VERIFYING_KEYS}|\\u[0-9A-Fa-f]{4}|^\s*:`,
    reason: 'it changes the commands by which Atrium verifies',
  },
  {
    name: 'test-scripts-removed',
    kind: 'verification',
    paths: ['**/package.json', '**/deno.{json,jsonc}', '**/composer.json'],
    removed: VERIFYING_KEYS,
    reason: 'it changes the commands by which Atrium verifies',
  },
  {
    name: 'test-configuration',
    kind: 'verification',
    paths: [
      '**/{vitest,vite,jest,playwright,karma,ava,mocha,cypress,nyc,babel,wdio,protractor}.conf{,ig}.*',
      '**/vitest.workspace.*',
      '**/{.mocharc,.nycrc,.c8rc,.babelrc,.swcrc,jest.setup,vitest.setup,cypress.json,phpunit.xml}*',
      '**/{pytest.ini,tox.ini,noxfile.py,conftest.py,setup.cfg,pyproject.toml}',
      '**/{Makefile,GNUmakefile,justfile,Taskfile.yml,Rakefile,CMakeLists.txt,pom.xml,build.gradle,build.gradle.kts,Cargo.toml}',
    ],
    reason: 'it changes how tests are found and run',
  },
  {
    name: 'lint-configuration',
    kind: 'verification',
    paths: [
      '**/{.eslintrc,.eslintignore,.prettierrc,.prettierignore,.stylelintrc,.pylintrc,.flake8,.rubocop,.golangci,.markdownlint}*',
      '**/{eslint,prettier,stylelint,oxlint}.config.*',
      '**/{biome.json,biome.jsonc,ruff.toml,.ruff.toml,mypy.ini,clippy.toml,rustfmt.toml,.editorconfig}',
      '**/tsconfig*.json',
    ],
    reason: 'it changes what lint and types complain about',
  },
  {
    name: 'lint-silenced',
    kind: 'verification',
    paths: CODE,
    changes: ['added', 'modified'],
    added: String.raw`eslint-disable|prettier-ignore|biome-ignore|oxlint-disable|@ts-(nocheck|ignore|expect-error)|#\s*(noqa|type:\s*ignore|pylint:\s*disable)|//\s*nolint|#\[allow\(|@SuppressWarnings|rubocop:disable`,
    reason: 'it silences lint or types',
  },
  {
    name: 'ci',
    kind: 'verification',
    paths: [
      '**/{.github,.gitlab,.circleci,.buildkite,.ci,.husky}/**',
      '**/{.gitlab-ci.yml,.travis.yml,Jenkinsfile,azure-pipelines.yml,bitbucket-pipelines.yml,.pre-commit-config.yaml,lefthook.yml}',
    ],
    reason: 'it changes what is run on every change',
  },
  {
    name: 'lockfile',
    kind: 'verification',
    paths: [
      '**/*{.lock,.lockb,.lockfile,.lock.hcl}',
      '**/*[.-]lock.{json,yaml,yml}',
      '**/{npm-shrinkwrap.json,go.sum,go.work.sum,Package.resolved,bunfig.toml}',
      '**/{.yarnrc,.pnpmfile,requirements,constraints}*',
      '**/{node_modules,.yarn,vendor}/**',
    ],
    reason: 'it changes what the project depends on, tools of verification included',
  },
  {
    name: 'gitattributes',
    kind: 'verification',
    paths: ['**/.gitattributes'],
    reason: 'it changes what git shows and how it merges',
  },
];
