/*
 * Runs inside a sandbox as the parent of its command: a TCP port on the private loopback that leads to the run's socket, for
 * programs that can only speak to a host and a port.
 *
 *   forwarder PORT SOCKET -- COMMAND [ARG…]
 *
 * Each connection to PORT is joined with one of its own to SOCKET; each side's end is handed on by itself. The command has this
 * process's streams, and NODE_USE_ENV_PROXY beside its environment: without it Node does not look at the proxy variables. The
 * signals below are handed on to it. It ends as its command does, with 128 and the signal's number where a signal ended that;
 * 125 says that it could not begin, 126 and 127 that the command cannot be executed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORWARDER_FAILED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127, BY_SIGNAL = 128, PIECE = 65536 };

static const int handed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
enum { HANDED_ON = sizeof handed_on / sizeof *handed_on };
static volatile sig_atomic_t arrived[HANDED_ON], child_changed;

/* One way through a connection: what was read and is not written yet, and whether no more comes. */
struct way {
  char *piece;
  size_t from, to;
  int ended, closed;
};
/* `end[0]` is the program's, `end[1]` the run's socket; `way[n]` is read from `end[n]` and written to the other. */
struct connection {
  int end[2];
  struct way way[2];
};

static struct connection **connections;
static size_t count, room;

static _Noreturn void fail(int code, const char *sentence, ...) {
  va_list values;
  va_start(values, sentence);
  fputs("forwarder: ", stderr);
  vfprintf(stderr, sentence, values);
  fputc('\n', stderr);
  va_end(values);
  exit(code);
}

static void note(int number) {
  if (number == SIGCHLD) child_changed = 1;
  for (int at = 0; at < HANDED_ON; at += 1)
    if (handed_on[at] == number) arrived[at] = 1;
}

static int listen_at(long port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, SOMAXCONN) != 0)
    fail(FORWARDER_FAILED, "cannot listen on port %ld: %s.", port, strerror(errno));
  return listener;
}

static pid_t start(char **command, const sigset_t *mask) {
  if (setenv("NODE_USE_ENV_PROXY", "1", 1) != 0) fail(FORWARDER_FAILED, "no memory.");
  const pid_t pid = fork();
  if (pid < 0) fail(FORWARDER_FAILED, "cannot start %s: %s.", command[0], strerror(errno));
  if (pid > 0) return pid;
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(command[0], command);
  fail(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE, "cannot start %s: %s.", command[0], strerror(errno));
}

static void drop(size_t at) {
  struct connection *gone = connections[at];
  for (int side = 0; side < 2; side += 1) {
    close(gone->end[side]);
    free(gone->way[side].piece);
  }
  free(gone);
  connections[at] = connections[count -= 1];
}

static int open_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0 || connect(made, (struct sockaddr *)&address, sizeof address) == 0) return made;
  close(made);
  return -1;
}

/* Takes what waits at the port. False where no descriptor is free: it is tried again when a connection has ended. */
static int take(int listener, const char *path) {
  const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
  /* Answers come in small pieces, each as soon as a model has it. */
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (count == room) {
    const size_t more = room == 0 ? 16 : room * 2;
    struct connection **grown = realloc(connections, more * sizeof *grown);
    if (grown != NULL) connections = grown, room = more;
  }
  struct connection *made = count < room ? calloc(1, sizeof *made) : NULL;
  if (made == NULL) {
    close(client);
    return 1;
  }
  connections[count] = made;
  made->end[0] = client;
  made->end[1] = open_socket(path);
  made->way[0].piece = malloc(PIECE);
  made->way[1].piece = malloc(PIECE);
  count += 1;
  if (made->end[1] < 0 || made->way[0].piece == NULL || made->way[1].piece == NULL) drop(count - 1);
  return 1;
}

static int is_temporary(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* Carries on what can be carried on one way. False where the connection is broken. */
static int carry(struct connection *link, int side, short readable, short writable) {
  struct way *way = &link->way[side];
  const int from = link->end[side], to = link->end[1 - side];
  if (readable && !way->ended && way->from == way->to) {
    const ssize_t got = recv(from, way->piece, PIECE, 0);
    if (got < 0 && !is_temporary()) return 0;
    if (got == 0) way->ended = 1;
    if (got > 0) way->from = 0, way->to = (size_t)got, writable = 1;
  }
  if (writable && way->from < way->to) {
    const ssize_t put = send(to, way->piece + way->from, way->to - way->from, MSG_NOSIGNAL);
    if (put < 0 && !is_temporary()) return 0;
    if (put > 0) way->from += (size_t)put;
  }
  if (way->ended && way->from == way->to && !way->closed) {
    way->closed = 1;
    if (shutdown(to, SHUT_WR) != 0 && errno != ENOTCONN) return 0;
  }
  return 1;
}

/* What an end is watched for: reading while the way from it is empty, writing while there is something for it. */
static short wanted(const struct connection *link, int side) {
  const struct way *out = &link->way[side], *in = &link->way[1 - side];
  return (short)((!out->ended && out->from == out->to ? POLLIN : 0) | (in->from < in->to ? POLLOUT : 0));
}

/* Carries on one connection by what was seen of its ends. False where it is over. */
static int serve(struct connection *link, const struct pollfd *seen) {
  for (int side = 0; side < 2; side += 1) {
    /* Nothing more goes through an end that has failed, whatever is still in it for the other. */
    if ((seen[side].revents & (POLLERR | POLLNVAL)) != 0) return 0;
    const short readable = seen[side].revents & (POLLIN | POLLHUP);
    if (!carry(link, side, readable, seen[1 - side].revents & (POLLOUT | POLLHUP))) return 0;
  }
  return !(link->way[0].closed && link->way[1].closed);
}

/* Hands on the signals that came, and ends where the command has. */
static void heed(pid_t child, int has_terminal) {
  for (int at = 0; at < HANDED_ON; at += 1) {
    if (!arrived[at]) continue;
    arrived[at] = 0;
    const int number = handed_on[at];
    /* The terminal sends these to its whole foreground group: the command has them already. */
    const int by_terminal = number == SIGINT || number == SIGQUIT || number == SIGWINCH;
    if (!(has_terminal && by_terminal)) kill(child, number);
  }
  if (!child_changed) return;
  child_changed = 0;
  int status = 0;
  if (waitpid(child, &status, WNOHANG) != child) return;
  if (WIFEXITED(status)) exit(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) exit(BY_SIGNAL + WTERMSIG(status));
}

int main(int given, char **arguments) {
  char *rest = NULL;
  const long port = given > 4 ? strtol(arguments[1], &rest, 10) : 0;
  if (given < 5 || *rest != '\0' || port < 1 || port > 65535 || strcmp(arguments[3], "--") != 0)
    fail(FORWARDER_FAILED, "usage: forwarder PORT SOCKET -- COMMAND [ARG…]");
  const int listener = listen_at(port);
  /* Signals come while it waits and at no other time. */
  sigset_t blocked, before;
  sigemptyset(&blocked);
  struct sigaction noting = {.sa_handler = note};
  for (int at = 0; at < HANDED_ON; at += 1) sigaddset(&blocked, handed_on[at]), sigaction(handed_on[at], &noting, NULL);
  sigaddset(&blocked, SIGCHLD), sigaction(SIGCHLD, &noting, NULL);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const int has_terminal = isatty(STDIN_FILENO);
  const pid_t child = start(arguments + 4, &before);
  struct pollfd *watched = NULL;
  size_t watchable = 0;
  int is_full = 0;
  for (;;) {
    if (watchable < 1 + 2 * room) {
      watchable = 1 + 2 * room;
      watched = realloc(watched, watchable * sizeof *watched);
      if (watched == NULL) fail(FORWARDER_FAILED, "no memory.");
    }
    watched[0] = (struct pollfd){is_full ? -1 : listener, POLLIN, 0};
    const size_t here = count;
    for (size_t at = 0; at < here; at += 1)
      for (int side = 0; side < 2; side += 1) {
        const short events = wanted(connections[at], side);
        /* An end that nothing is wanted of would wake it for ever once the other side has hung up. */
        watched[1 + 2 * at + (size_t)side] = (struct pollfd){events == 0 ? -1 : connections[at]->end[side], events, 0};
      }
    const int ready = ppoll(watched, 1 + 2 * here, NULL, &before);
    heed(child, has_terminal);
    if (ready <= 0) continue;
    /* From the last to the first: what is dropped changes places with one that was served. */
    for (size_t at = here; at > 0; at -= 1)
      if (!serve(connections[at - 1], &watched[1 + 2 * (at - 1)])) drop(at - 1), is_full = 0;
    if ((watched[0].revents & POLLIN) != 0) is_full = !take(listener, arguments[2]) && count > 0;
  }
}
