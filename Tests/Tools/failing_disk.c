// SPDX-License-Identifier: Apache-2.0
// A disk that fails while a program runs: preloaded, it makes every write at a position fail with the number that the
// file named by FAILING_DISK holds, and none when there is no such file. 30 is a disk that became read-only, 5 a broken one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int failure(void) {
  const char *path = getenv("FAILING_DISK");
  FILE *file = path ? fopen(path, "re") : NULL;
  int number = 0;
  if (file) {
    if (fscanf(file, "%d", &number) != 1) number = 0;
    fclose(file);
  }
  return number;
}

#define INSTEAD_OF(name, position)                                                           \
  ssize_t name(int descriptor, const void *bytes, size_t count, position offset) {           \
    static ssize_t (*real)(int, const void *, size_t, position);                             \
    if (!real) real = (ssize_t (*)(int, const void *, size_t, position))dlsym(RTLD_NEXT, #name); \
    int number = failure();                                                                  \
    if (number) {                                                                            \
      errno = number;                                                                        \
      return -1;                                                                             \
    }                                                                                        \
    return real(descriptor, bytes, count, offset);                                           \
  }

INSTEAD_OF(pwrite, off_t)
INSTEAD_OF(pwrite64, off64_t)

// What the system says of a file on a disk that became read-only.
int access(const char *path, int mode) {
  static int (*real)(const char *, int);
  if (!real) real = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");
  if ((mode & W_OK) && failure() == EROFS) {
    errno = EROFS;
    return -1;
  }
  return real(path, mode);
}
