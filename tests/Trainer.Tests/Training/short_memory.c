/* A host whose memory is short, for drills: preloaded into a worker. Only tensors meet it (libtorch asks posix_memalign for them), so that
   the .NET runtime, which cannot live without memory either, is spared: a limit of the kernel's would hit whoever asks first.
   MCN_SHIM_MEMORY  bytes; a request of 64 KiB or more is refused if the live ones of that size would become more than these */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define LARGE (64 << 10)
#define SLOTS (1 << 16) /* a power of two, far above the number of live tensors */

extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct { void *memory; size_t size; } live[SLOTS];
static size_t used, limit;

__attribute__((constructor)) static void begin(void)
{
    const char *wanted = getenv("MCN_SHIM_MEMORY");
    limit = wanted ? strtoull(wanted, NULL, 10) : SIZE_MAX;
}

static size_t slot_of(const void *memory)
{
    return ((uintptr_t)memory >> 6) * 0x9E3779B97F4A7C15u >> 48;
}

/* Entries are found by walking on from their slot; a freed one stays as a hole with size 0 that the next one takes. */
int posix_memalign(void **result, size_t alignment, size_t size)
{
    if (size < LARGE)
    {
        *result = __libc_memalign(alignment, size);
        return *result ? 0 : ENOMEM;
    }

    pthread_mutex_lock(&gate);
    void *memory = used + size > limit ? NULL : __libc_memalign(alignment, size);
    if (memory)
    {
        size_t at = slot_of(memory);
        while (live[at].size) at = (at + 1) % SLOTS;
        live[at].memory = memory;
        live[at].size = size;
        used += size;
    }

    pthread_mutex_unlock(&gate);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

void free(void *memory)
{
    if (memory && (uintptr_t)memory % 64 == 0) /* as tensors are */
    {
        pthread_mutex_lock(&gate);
        for (size_t at = slot_of(memory); live[at].memory; at = (at + 1) % SLOTS)
            if (live[at].memory == memory && live[at].size)
            {
                used -= live[at].size;
                live[at].size = 0;
                break;
            }

        pthread_mutex_unlock(&gate);
    }

    __libc_free(memory);
}
