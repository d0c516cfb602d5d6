/* A disk that fails as told, for drills: preloaded into a worker.
   MCN_SHIM_PATH   only files whose name contains this
   MCN_SHIM_FSYNC  fails the first fsync with EIO (any value)
   MCN_SHIM_FULL   while this file exists, every second write fails with ENOSPC
   MCN_SHIM_STALL  while this file exists, writes do not return */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int concerns(int fd)
{
    char link[64], path[PATH_MAX];
    const char *wanted = getenv("MCN_SHIM_PATH");
    if (!wanted) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, wanted) != NULL;
}

int fsync(int fd)
{
    static atomic_int failed;
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (getenv("MCN_SHIM_FSYNC") && concerns(fd) && !atomic_exchange(&failed, 1)) { errno = EIO; return -1; }
    return real(fd);
}

static int full(int fd)
{
    const char *stall = getenv("MCN_SHIM_STALL");
    while (stall && access(stall, F_OK) == 0 && concerns(fd)) usleep(10000);
    static atomic_int writes;
    const char *flag = getenv("MCN_SHIM_FULL");
    return flag && access(flag, F_OK) == 0 && concerns(fd) && atomic_fetch_add(&writes, 1) % 2 == 1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite");
    if (full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    if (full(fd)) { errno = ENOSPC; return -1; }
    return real(fd, bytes, count, at);
}
