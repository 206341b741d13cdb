// SPDX-License-Identifier: Apache-2.0
#pragma once
// Before event-config.h defines _GNU_SOURCE, which would give this module another fd_set than Glibc's.
#include <features.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// Of the C library, which shows them under _GNU_SOURCE alone.
int accept4(int, struct sockaddr *__restrict, socklen_t *__restrict, int);
int pthread_setname_np(pthread_t, const char *);
