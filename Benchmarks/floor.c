// SPDX-License-Identifier: Apache-2.0
// The floor under a push broker: what Bayeux long-polling costs when nothing is done but the system calls.
//
// One thread and one epoll set. Requests are told apart by the words in them and answered from templates: no HTTP
// parser, no JSON, no rules, no limits, and it believes every client. It is here to divide by, not to serve.
//
//   floor PORT     on 127.0.0.1:PORT; 0 lets the system choose, and the first line of output tells
//
// A message is published through Bayeux, or by POST /publish {"user":…} or {"channel":…}.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRATCH = 1 << 20, EVENTS = 512, BUCKETS = 1 << 16, ID = 16 };

// A message that a client has yet to get. The bytes are shared by all who wait for it.
struct message { uint32_t users, length; char text[]; };

struct client {
  int socket;               // where its poll is held, -1 where none is
  uint32_t waiting, room;   // messages that came while no poll was held
  struct message **queue;
  char poll[ID];            // the id of the held poll
  struct client *next_dirty;
  uint8_t dirty;
};

struct topic {
  struct topic *next;
  uint32_t count, room;
  struct client **clients;
  uint32_t name_length;
  char name[];
};

static struct client **clients;
static uint32_t client_count, client_room;
static struct topic *topics[BUCKETS];
static struct client *dirty;
// By descriptor: the start of a request whose rest has not come.
static char **partial;
static uint32_t *partial_length, descriptor_room;
// By descriptor: whose poll is held there.
static struct client **holding;
static char in[SCRATCH], out[SCRATCH];
static int epoll;

static void die(const char *what) { perror(what); exit(1); }

static void *more(void *old, size_t bytes) {
  void *new = realloc(old, bytes);
  if (!new) die("realloc");
  return new;
}

static struct topic *topic(const char *name, uint32_t length) {
  uint32_t hash = 5381;
  for (uint32_t i = 0; i < length; i++) hash = hash * 33 + (uint8_t)name[i];
  struct topic **bucket = &topics[hash % BUCKETS];
  for (struct topic *t = *bucket; t; t = t->next)
    if (t->name_length == length && !memcmp(t->name, name, length)) return t;
  struct topic *made = more(NULL, sizeof *made + length);
  *made = (struct topic){ .next = *bucket, .name_length = length };
  memcpy(made->name, name, length);
  return *bucket = made;
}

// The string after `"name":"`.
static const char *text_of(const char *body, size_t length, const char *name, uint32_t *size) {
  char key[32];
  int n = snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *at = memmem(body, length, key, (size_t)n);
  if (!at) return NULL;
  at += n;
  const char *end = memchr(at, '"', (size_t)(body + length - at));
  if (!end) return NULL;
  *size = (uint32_t)(end - at);
  return at;
}

static struct client *sender(const char *body, size_t length) {
  uint32_t size;
  const char *id = text_of(body, length, "clientId", &size);
  if (!id || size < 2 || *id != 'f') return NULL;
  uint32_t number = (uint32_t)strtoul(id + 1, NULL, 10);
  return number < client_count ? clients[number] : NULL;
}

static void reply(int socket, const char *body, int length) {
  static char text[4096];
  int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                   length);
  memcpy(text + n, body, (size_t)length);
  if (send(socket, text, (size_t)(n + length), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) die("send");
}

// Sends all that waits for a client whose poll is held, the reply to the poll behind it, in one call.
static void answer(struct client *c) {
  char *body = out + 256, *at = body;
  *at++ = '[';
  uint32_t sent = 0;
  while (sent < c->waiting && at - out < SCRATCH / 2) {
    struct message *m = c->queue[sent++];
    memcpy(at, m->text, m->length);
    at += m->length;
    *at++ = ',';
    if (!--m->users) free(m);
  }
  memmove(c->queue, c->queue + sent, (c->waiting - sent) * sizeof *c->queue);
  c->waiting -= sent;
  memcpy(at, "{\"channel\":\"/meta/connect\",\"successful\":true,\"id\":\"", 51);
  at += 51;
  size_t id = strlen(c->poll);
  memcpy(at, c->poll, id);
  at += id;
  memcpy(at, "\"}]", 3);
  at += 3;
  char head[128];
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                   (size_t)(at - body));
  memcpy(body - n, head, (size_t)n);
  int socket = c->socket;
  c->socket = -1;
  holding[socket] = NULL;
  if (send(socket, body - n, (size_t)(at - body + n), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
    die("send");
}

static void publish(struct topic *to, const char *data, size_t length) {
  struct message *m = more(NULL, sizeof *m + length + to->name_length + 64);
  const char *name = to->name[0] == '/' ? to->name : "/_genesys";
  uint32_t size = to->name[0] == '/' ? to->name_length : 9;
  m->length = (uint32_t)sprintf(m->text, "{\"channel\":\"%.*s\",\"data\":%.*s}", (int)size, name, (int)length, data);
  m->users = to->count;
  if (!to->count) return free(m);
  for (uint32_t i = 0; i < to->count; i++) {
    struct client *c = to->clients[i];
    if (c->waiting == c->room) c->queue = more(c->queue, (c->room = c->room ? c->room * 2 : 1) * sizeof *c->queue);
    c->queue[c->waiting++] = m;
    if (!c->dirty) { c->dirty = 1; c->next_dirty = dirty; dirty = c; }
  }
}

static void handshake(int socket, const char *id, uint32_t size) {
  if (client_count == client_room) clients = more(clients, (client_room = client_room * 2 + 64) * sizeof *clients);
  struct client *c = more(NULL, sizeof *c);
  *c = (struct client){ .socket = -1 };
  clients[client_count] = c;
  char body[512];
  reply(socket, body, snprintf(body, sizeof body,
    "[{\"channel\":\"/meta/handshake\",\"id\":\"%.*s\",\"successful\":true,\"clientId\":\"f%u\",\"version\":\"1.0\","
    "\"supportedConnectionTypes\":[\"long-polling\"],"
    "\"advice\":{\"reconnect\":\"retry\",\"interval\":0,\"timeout\":60000}}]", (int)size, id, client_count++));
}

static void subscribe(int socket, const char *head, const char *body, size_t length, struct client *c, const char *id,
                      uint32_t id_size) {
  uint32_t size;
  const char *name = text_of(body, length, "subscription", &size);
  const char *user = memmem(head, (size_t)(body - head), "gms_user: ", 10);
  if (!name) return reply(socket, "[]", 2);
  if (user) { // Its events come by user, whatever the channel is called.
    user += 10;
    name = user;
    size = (uint32_t)((const char *)memchr(user, '\r', (size_t)(body - user)) - user);
  }
  struct topic *t = topic(name, size);
  if (t->count == t->room) t->clients = more(t->clients, (t->room = t->room ? t->room * 2 : 1) * sizeof *t->clients);
  t->clients[t->count++] = c;
  char text[512];
  reply(socket, text, snprintf(text, sizeof text, "[{\"channel\":\"/meta/subscribe\",\"id\":\"%.*s\",\"successful\":true}]",
                               (int)id_size, id));
}

static void connect_(int socket, const char *body, size_t length, struct client *c, const char *id, uint32_t size) {
  snprintf(c->poll, sizeof c->poll, "%.*s", (int)size, id);
  if (c->socket >= 0) holding[c->socket] = NULL;
  c->socket = socket;
  holding[socket] = c;
  if (c->waiting || memmem(body, length, "\"timeout\":0", 11)) answer(c);
}

static void request(int socket, const char *head, const char *body, size_t length) {
  uint32_t size = 0, id_size = 0;
  const char *id = text_of(body, length, "id", &id_size);
  const char *data = memmem(body, length, "\"data\":", 7), *user = NULL;
  if (!data && !memcmp(head, "POST /publish", 13)) data = memmem(body, length, "\"message\":", 10);
  if (data) {
    const char *name = text_of(body, length, "channel", &size);
    if (!name) user = text_of(body, length, "user", &size);
    data = memchr(data, ':', 16) + 1;
    // The value ends with its closing brace: nothing nests in what a load test sends.
    const char *end = memchr(data, '}', (size_t)(body + length - data));
    if ((!name && !user) || !end) return reply(socket, "[]", 2);
    publish(topic(name ? name : user, size), data, (size_t)(end + 1 - data));
    char text[256];
    return reply(socket, text, user || !id ? snprintf(text, sizeof text, "{\"sessions\":1}")
      : snprintf(text, sizeof text, "[{\"channel\":\"%.*s\",\"id\":\"%.*s\",\"successful\":true}]", (int)size, name,
                 (int)id_size, id));
  }
  const char *kind = text_of(body, length, "channel", &size);
  if (!kind || !id) return reply(socket, "[]", 2);
  if (size == 15 && !memcmp(kind, "/meta/handshake", 15)) return handshake(socket, id, id_size);
  struct client *c = sender(body, length);
  if (!c) return reply(socket, "[]", 2);
  if (size == 13 && !memcmp(kind, "/meta/connect", 13)) return connect_(socket, body, length, c, id, id_size);
  subscribe(socket, head, body, length, c, id, id_size);
}

// Takes the whole requests off the front; returns how many bytes they were.
static size_t requests(int socket, const char *text, size_t length) {
  size_t used = 0;
  while (used < length) {
    const char *head = text + used, *end = memmem(head, length - used, "\r\n\r\n", 4);
    if (!end) break;
    const char *field = memmem(head, (size_t)(end - head), "Content-Length: ", 16);
    size_t body = field ? strtoul(field + 16, NULL, 10) : 0, whole = (size_t)(end + 4 - head) + body;
    if (length - used < whole) break;
    request(socket, head, end + 4, body);
    used += whole;
  }
  return used;
}

static void forget(int socket) {
  free(partial[socket]);
  partial[socket] = NULL;
  partial_length[socket] = 0;
}

static void leave(int socket) {
  if (holding[socket]) holding[socket]->socket = -1;
  holding[socket] = NULL;
  forget(socket);
  close(socket);
}

static void readable(int socket) {
  uint32_t before = partial_length[socket];
  if (before) memcpy(in, partial[socket], before);
  ssize_t count = read(socket, in + before, sizeof in - before);
  if (count <= 0) return leave(socket);
  size_t length = before + (size_t)count, used = requests(socket, in, length);
  if (before) forget(socket);
  if (used == length) return;
  partial[socket] = more(NULL, length - used);
  partial_length[socket] = (uint32_t)(length - used);
  memcpy(partial[socket], in + used, length - used);
}

static void accept_all(int listener) {
  int socket, on = 1;
  while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if ((uint32_t)socket >= descriptor_room) { close(socket); continue; }
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = { .events = EPOLLIN, .data.fd = socket };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event)) die("epoll_ctl");
  }
}

int main(int count, char **words) {
  if (count != 2) { fprintf(stderr, "usage: floor PORT\n"); return 2; }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  descriptor_room = limit.rlim_cur > 1u << 20 ? 1u << 20 : (uint32_t)limit.rlim_cur;
  partial = calloc(descriptor_room, sizeof *partial);
  partial_length = calloc(descriptor_room, sizeof *partial_length);
  holding = calloc(descriptor_room, sizeof *holding);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[1])),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (!partial || !partial_length || !holding || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
    die("listen");
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = { .events = EPOLLIN, .data.fd = listener };
  if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) die("epoll");
  socklen_t size = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    static struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++)
      if (events[i].data.fd == listener) accept_all(listener); else readable(events[i].data.fd);
    // A publication is answered to its publisher first; what it caused leaves at the end of the turn, together.
    struct client *due = dirty;
    dirty = NULL;
    while (due) {
      struct client *c = due;
      due = c->next_dirty;
      c->dirty = 0;
      if (c->socket >= 0 && c->waiting) answer(c);
    }
  }
}
