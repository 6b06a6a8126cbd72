/*
 * Starts a child process without copying this one. Node starts children by fork(), which copies the page tables of a process
 * with all of its heap: some ten milliseconds in which nothing else happens. Here the child borrows the memory until it
 * becomes the program (vfork).
 *
 *   spawn(file, arguments, environment, folder, stdio, owner) → [pid, descriptor…] | errno
 *   supported: whether this kernel can (5.9 and newer)
 *   reap(pid) → null while it runs, else [code, signal]; what is not the case is null, both where another has reaped it
 *
 * `stdio` has an entry a descriptor of the child: IGNORE, READ (a pipe that the child reads), WRITE (one that it writes), BOTH
 * (a socket), or a descriptor of this process. What comes back has this process's ends, -1 where there is none. `owner` is the
 * user and group that pipes belong to, so that a child which becomes them may open /dev/stderr; null leaves them to this
 * process's. The child leads a session of its own, has every signal at its default, and inherits nothing beside `stdio`.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { IGNORE = -1, READ = -2, WRITE = -3, BOTH = -4, MOST_DESCRIPTORS = 65536 };

/* All that the child needs, made before it is there: it may not allocate. */
struct child {
  char *file, *folder;
  char **arguments, **environment;
  /* The child's descriptors, and room to move them out of each other's way. */
  int *theirs, count;
  int failed;
};

/* Everything after vfork() stands in this function alone: the child shares this stack. */
__attribute__((noinline)) static pid_t start(struct child *child) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid = vfork();
  if (pid != 0) {
    const int trouble = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = trouble;
    return pid;
  }
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number += 1) sigaction(number, &plain, NULL);
  const int count = child->count;
  if (setsid() < 0 || chdir(child->folder) != 0) goto failed;
  /* First above all numbers that are to be taken, then each to its own. */
  for (int at = 0; at < count; at += 1)
    if ((child->theirs[at] = fcntl(child->theirs[at], F_DUPFD_CLOEXEC, count)) < 0) goto failed;
  for (int at = 0; at < count; at += 1)
    if (dup2(child->theirs[at], at) < 0) goto failed;
  if (syscall(SYS_close_range, (unsigned)count, ~0u, 0u) != 0) goto failed;
  sigemptyset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  execve(child->file, child->arguments, child->environment);
failed:
  child->failed = errno;
  _exit(127);
}

/* Strings and lists of strings of JavaScript, made once and freed together. */
static char *text_of(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text != NULL && napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok) {
    free(text);
    return NULL;
  }
  /* A program would see less than what was said. */
  if (text != NULL && strlen(text) != length) {
    free(text);
    return NULL;
  }
  return text;
}

static void free_list(char **list) {
  for (char **at = list; list != NULL && *at != NULL; at += 1) free(*at);
  free(list);
}

static char **list_of(napi_env env, napi_value value) {
  uint32_t length = 0;
  if (napi_get_array_length(env, value, &length) != napi_ok) return NULL;
  char **list = calloc((size_t)length + 1, sizeof *list);
  for (uint32_t at = 0; list != NULL && at < length; at += 1) {
    napi_value element;
    if (napi_get_element(env, value, at, &element) != napi_ok || (list[at] = text_of(env, element)) == NULL) {
      free_list(list);
      return NULL;
    }
  }
  return list;
}

static void close_all(int *descriptors, int count) {
  for (int at = 0; at < count; at += 1)
    if (descriptors[at] >= 0) close(descriptors[at]);
}

/* One entry of stdio: what the child gets, what this process keeps, and whether the former is to be closed here. */
static int open_entry(int kind, int *theirs, int *ours, int *to_close, const int *owner) {
  int pair[2];
  if (kind >= 0) {
    *theirs = kind;
    return 0;
  }
  if (kind == IGNORE) return (*theirs = *to_close = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0 ? -1 : 0;
  if (kind == BOTH) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return -1;
  } else if (pipe2(pair, O_CLOEXEC) != 0) {
    return -1;
  } else if (kind == WRITE) {
    const int reading = pair[0];
    pair[0] = pair[1];
    pair[1] = reading;
  }
  *theirs = *to_close = pair[0];
  *ours = pair[1];
  return kind != BOTH && owner != NULL ? fchown(pair[0], (uid_t)owner[0], (gid_t)owner[1]) : 0;
}

static napi_value number_of(napi_env env, int value) {
  napi_value made = NULL;
  napi_create_int32(env, value, &made);
  return made;
}

static napi_value refuse(napi_env env, const char *sentence) {
  napi_throw_type_error(env, NULL, sentence);
  return NULL;
}

/* Reads a list of whole numbers; how many there are, or -1. */
static int numbers_of(napi_env env, napi_value value, int *numbers, int most) {
  uint32_t length = 0;
  if (napi_get_array_length(env, value, &length) != napi_ok || length > (uint32_t)most) return -1;
  for (uint32_t at = 0; at < length; at += 1) {
    napi_value element;
    if (napi_get_element(env, value, at, &element) != napi_ok ||
        napi_get_value_int32(env, element, &numbers[at]) != napi_ok)
      return -1;
  }
  return (int)length;
}

static napi_value spawn(napi_env env, napi_callback_info info) {
  size_t given = 6;
  napi_value argument[6];
  if (napi_get_cb_info(env, info, &given, argument, NULL, NULL) != napi_ok || given != 6)
    return refuse(env, "spawn takes six arguments.");
  uint32_t entries = 0;
  if (napi_get_array_length(env, argument[4], &entries) != napi_ok || entries < 3 || entries > MOST_DESCRIPTORS)
    return refuse(env, "stdio has an entry for each of at least three descriptors.");
  int owner[2];
  const int owned = numbers_of(env, argument[5], owner, 2) == 2;
  const size_t size = entries * sizeof(int);
  int *kinds = malloc(size), *ours = malloc(size), *to_close = malloc(size);
  struct child child = {
      text_of(env, argument[0]), text_of(env, argument[3]), list_of(env, argument[1]), list_of(env, argument[2]),
      malloc(size), (int)entries, 0};
  napi_value answer = NULL;
  if (child.file == NULL || child.folder == NULL || child.arguments == NULL || child.environment == NULL ||
      child.theirs == NULL || kinds == NULL || ours == NULL || to_close == NULL ||
      numbers_of(env, argument[4], kinds, (int)entries) < 0) {
    answer = refuse(env, "spawn takes texts without NUL, and whole numbers.");
    goto done;
  }
  memset(ours, -1, size);
  memset(to_close, -1, size);
  int trouble = 0;
  for (uint32_t at = 0; at < entries && trouble == 0; at += 1)
    if (open_entry(kinds[at], &child.theirs[at], &ours[at], &to_close[at], owned ? owner : NULL) != 0) trouble = errno;
  pid_t pid = -1;
  if (trouble == 0) {
    pid = start(&child);
    trouble = pid < 0 ? errno : child.failed;
    if (pid > 0 && trouble != 0) waitpid(pid, NULL, 0);
  }
  close_all(to_close, (int)entries);
  if (trouble != 0) {
    close_all(ours, (int)entries);
    answer = number_of(env, trouble);
    goto done;
  }
  napi_create_array_with_length(env, (size_t)entries + 1, &answer);
  napi_set_element(env, answer, 0, number_of(env, (int)pid));
  for (uint32_t at = 0; at < entries; at += 1) napi_set_element(env, answer, at + 1, number_of(env, ours[at]));
done:
  free(kinds), free(ours), free(to_close), free(child.theirs), free(child.file), free(child.folder);
  free_list(child.arguments), free_list(child.environment);
  return answer;
}

static napi_value reap(napi_env env, napi_callback_info info) {
  size_t given = 1;
  napi_value argument, answer = NULL, none = NULL;
  int pid = 0, status = 0;
  if (napi_get_cb_info(env, info, &given, &argument, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, argument, &pid) != napi_ok || pid <= 0)
    return refuse(env, "reap takes the pid of a child.");
  napi_get_null(env, &none);
  pid_t ended;
  do ended = waitpid(pid, &status, WNOHANG);
  while (ended < 0 && errno == EINTR);
  if (ended == 0) return none;
  napi_create_array_with_length(env, 2, &answer);
  napi_set_element(env, answer, 0, ended > 0 && WIFEXITED(status) ? number_of(env, WEXITSTATUS(status)) : none);
  napi_set_element(env, answer, 1, ended > 0 && WIFSIGNALED(status) ? number_of(env, WTERMSIG(status)) : none);
  return answer;
}

NAPI_MODULE_INIT() {
  napi_value supported = NULL;
  /* No descriptor has this number: nothing is closed. */
  napi_get_boolean(env, syscall(SYS_close_range, ~0u, ~0u, 0u) == 0, &supported);
  const napi_property_descriptor properties[] = {
      {"spawn", NULL, spawn, NULL, NULL, NULL, napi_enumerable, NULL},
      {"reap", NULL, reap, NULL, NULL, NULL, napi_enumerable, NULL},
      {"supported", NULL, NULL, NULL, NULL, supported, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  return exports;
}
