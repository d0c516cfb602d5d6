/* A stand-in for NVIDIA's libnvidia-ml.so.1, for tests and `--simulate-gpus`: the calls that Mcn.Web makes and no others.
   Signatures and numbers: NVML API reference (docs.nvidia.com/deploy/nvml-api). */
#define _GNU_SOURCE
#include "scenario.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9, TIMEOUT = 10, GPU_IS_LOST = 15, LIB_RM_VERSION_MISMATCH = 18, UNKNOWN = 999,
};

static const unsigned long long XID_CRITICAL_ERROR = 0x8;

struct device { int index; };
struct memory { unsigned long long total, free, used; };
struct process { unsigned id; unsigned long long used; unsigned gpu_instance, compute_instance; };
struct utilization { unsigned gpu, memory; };
struct event { struct device *device; unsigned long long type, data; unsigned gpu_instance, compute_instance; };
struct event_set { unsigned long long registered[MAX_GPUS]; unsigned char told[MAX_LINES][MAX_GPUS]; };

/* Tells that the figures are made up. Looked for by GpuSampler. */
EXPORT const int mcn_fake_nvml = 1;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct scenario scenario;
static struct device devices[MAX_GPUS];
static struct timespec start;
static int users;

static double elapsed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

static void wait_seconds(double seconds)
{
    if (seconds <= 0) return;
    struct timespec span = { .tv_sec = (time_t)seconds };
    span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
    nanosleep(&span, NULL);
}

/* Every call on a device begins here: a sick board lets its caller wait, a lost one answers so. */
static int enter(const struct device *device, double *now)
{
    if (users == 0) return UNINITIALIZED;
    if (!device || device < devices || device >= devices + scenario.gpus) return INVALID_ARGUMENT;
    *now = elapsed();
    const struct setting *hang = scenario_find(&scenario, device->index, HANG, *now);
    if (hang) wait_seconds((hang->at < 0 ? 0 : hang->at) + hang->value - *now);
    *now = elapsed();
    const struct setting *lost = scenario_find(&scenario, device->index, LOST, *now);
    return lost && lost->value > 0 ? GPU_IS_LOST : SUCCESS;
}

static int figure(const struct device *device, enum key key, double *value)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    const struct setting *setting = scenario_find(&scenario, device->index, key, now);
    if (!setting || setting->unsupported) return NOT_SUPPORTED;
    *value = scenario_swing(setting, device->index, now);
    if (*value < 0) *value = 0;
    return SUCCESS;
}

static int give_text(char *target, unsigned size, const char *text)
{
    if (!target) return INVALID_ARGUMENT;
    if (strlen(text) >= size) return INSUFFICIENT_SIZE;
    strcpy(target, text);
    return SUCCESS;
}

EXPORT int nvmlInit_v2(void)
{
    pthread_mutex_lock(&gate);
    if (users == 0) {
        scenario_load(&scenario);
        for (int i = 0; i < MAX_GPUS; i++) devices[i].index = i;
        clock_gettime(CLOCK_MONOTONIC, &start);
    }
    int error = scenario.init_error;
    if (!error) users++;
    pthread_mutex_unlock(&gate);
    return error;
}

EXPORT int nvmlShutdown(void)
{
    pthread_mutex_lock(&gate);
    int error = users == 0 ? UNINITIALIZED : SUCCESS;
    if (users > 0) users--;
    pthread_mutex_unlock(&gate);
    return error;
}

EXPORT const char *nvmlErrorString(int error)
{
    switch (error) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NO_PERMISSION: return "Insufficient Permissions";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case TIMEOUT: return "Timeout";
    case GPU_IS_LOST: return "GPU is lost";
    case LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count)
{
    if (users == 0) return UNINITIALIZED;
    if (!count) return INVALID_ARGUMENT;
    *count = (unsigned)scenario.gpus;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device)
{
    if (users == 0) return UNINITIALIZED;
    if (!device || index >= (unsigned)scenario.gpus) return INVALID_ARGUMENT;
    *device = &devices[index];
    return SUCCESS;
}

EXPORT int nvmlDeviceGetName(struct device *device, char *name, unsigned length)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    const struct setting *setting = scenario_find(&scenario, device->index, NAME, now);
    return give_text(name, length, setting ? setting->text : "GPU");
}

/* The same for an index in every process: charts and alerts go on after a restart. */
EXPORT int nvmlDeviceGetUUID(struct device *device, char *uuid, unsigned length)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    char text[48];
    snprintf(text, sizeof text, "GPU-6d636e00-fa4e-4000-8000-%012x", (unsigned)device->index);
    return give_text(uuid, length, text);
}

EXPORT int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *memory)
{
    if (!memory) return INVALID_ARGUMENT;
    double total, used;
    int error = figure(device, MEMORY_TOTAL, &total);
    if (!error) error = figure(device, MEMORY_USED, &used);
    if (error) return error;
    if (used > total) used = total;
    memory->total = (unsigned long long)total << 20;
    memory->used = (unsigned long long)(used * 256) << 12; /* whole pages */
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

/* Each process once, as the last of its lines that is in force says. */
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(struct device *device, unsigned *count, struct process *processes)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    if (!count || (*count > 0 && !processes)) return INVALID_ARGUMENT;
    unsigned found = 0;
    for (int i = 0; i < scenario.count; i++) {
        const struct setting *setting = &scenario.settings[i];
        if (setting->key != PROCESS || scenario_find_process(&scenario, device->index, setting->number, now) != setting) continue;
        if (found < *count)
            processes[found] = (struct process){ setting->number, setting->unsupported ? ~0ull : (unsigned long long)setting->value << 20, ~0u, ~0u };
        found++;
    }
    error = found > *count ? INSUFFICIENT_SIZE : SUCCESS;
    *count = found;
    return error;
}

EXPORT int nvmlDeviceGetUtilizationRates(struct device *device, struct utilization *utilization)
{
    if (!utilization) return INVALID_ARGUMENT;
    double percent;
    int error = figure(device, UTILIZATION, &percent);
    if (error) return error;
    utilization->gpu = percent > 100 ? 100 : (unsigned)(percent + 0.5);
    utilization->memory = utilization->gpu / 2;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetTemperature(struct device *device, int sensor, unsigned *celsius)
{
    if (!celsius || sensor != 0) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, TEMPERATURE, &value);
    if (!error) *celsius = (unsigned)(value + 0.5);
    return error;
}

EXPORT int nvmlDeviceGetPowerUsage(struct device *device, unsigned *milliwatts)
{
    if (!milliwatts) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, POWER, &value);
    if (!error) *milliwatts = (unsigned)(value * 1000);
    return error;
}

/* Figures that do not move; each call answers NOT_SUPPORTED where the scenario says so. */

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    return users == 0 ? UNINITIALIZED : give_text(version, length, scenario.driver);
}

EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    if (!version) return INVALID_ARGUMENT;
    *version = scenario.cuda;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *device, unsigned long long *reasons)
{
    if (!reasons) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, THROTTLE, &value);
    if (!error) *reasons = (unsigned long long)value;
    return error;
}

/* Uncorrected (1) since the driver was loaded (0). */
EXPORT int nvmlDeviceGetTotalEccErrors(struct device *device, int type, int counter, unsigned long long *errors)
{
    if (!errors || type != 1 || counter != 0) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, ECC_ERRORS, &value);
    if (!error) *errors = (unsigned long long)value;
    return error;
}

EXPORT int nvmlDeviceGetRemappedRows(struct device *device, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    if (!corrected || !uncorrected || !pending || !failed) return INVALID_ARGUMENT;
    double waits, fails;
    int error = figure(device, ROWS_PENDING, &waits);
    if (!error) error = figure(device, ROWS_FAILED, &fails);
    if (error) return error;
    *pending = waits > 0;
    *failed = fails > 0;
    *corrected = 0;
    *uncorrected = *pending + *failed;
    return SUCCESS;
}

EXPORT int nvmlDeviceGetPersistenceMode(struct device *device, int *mode)
{
    if (!mode) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, PERSISTENCE, &value);
    if (!error) *mode = value > 0;
    return error;
}

EXPORT int nvmlDeviceGetComputeMode(struct device *device, int *mode)
{
    if (!mode) return INVALID_ARGUMENT;
    double value;
    int error = figure(device, COMPUTE_MODE, &value);
    if (!error) *mode = (int)value;
    return error;
}

static int link_of(const struct device *device, const char **kind)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    const struct setting *setting = scenario_find(&scenario, device->index, LINK, now);
    *kind = setting ? setting->text : "none";
    return SUCCESS;
}

/* Two boards have the lesser of their links. 0: reading; 2: over NVLink. */
EXPORT int nvmlDeviceGetP2PStatus(struct device *one, struct device *other, int capability, int *status)
{
    enum { OK = 0, NOT_SUPPORTED_BY_CHIPSET = 1 };
    const char *a, *b;
    if (!status || one == other || (capability != 0 && capability != 2)) return INVALID_ARGUMENT;
    int error = link_of(one, &a);
    if (!error) error = link_of(other, &b);
    if (error) return error;
    int nvlink = strcmp(a, "nvlink") == 0 && strcmp(b, "nvlink") == 0;
    int none = strcmp(a, "none") == 0 || strcmp(b, "none") == 0;
    *status = (capability == 2 ? nvlink : !none) ? OK : NOT_SUPPORTED_BY_CHIPSET;
    return SUCCESS;
}

EXPORT int nvmlEventSetCreate(struct event_set **set)
{
    if (users == 0) return UNINITIALIZED;
    if (!set) return INVALID_ARGUMENT;
    *set = calloc(1, sizeof **set);
    return *set ? SUCCESS : UNKNOWN;
}

EXPORT int nvmlDeviceRegisterEvents(struct device *device, unsigned long long types, struct event_set *set)
{
    double now;
    int error = enter(device, &now);
    if (error) return error;
    if (!set || (types & ~XID_CRITICAL_ERROR)) return set ? NOT_SUPPORTED : INVALID_ARGUMENT;
    set->registered[device->index] |= types;
    return SUCCESS;
}

/* The next Xid not yet told to this set, or when there will be one. One thread waits on a set at a time. */
static int take_event(struct event_set *set, struct event *event, double now, double *next)
{
    for (int i = 0; i < scenario.count; i++) {
        const struct setting *setting = &scenario.settings[i];
        if (setting->key != XID) continue;
        for (int gpu = 0; gpu < scenario.gpus; gpu++) {
            if (!set->registered[gpu] || set->told[i][gpu] || (setting->gpu != ALL_GPUS && setting->gpu != gpu)) continue;
            if (setting->at > now) {
                if (setting->at < *next) *next = setting->at;
                continue;
            }
            set->told[i][gpu] = 1;
            *event = (struct event){ &devices[gpu], XID_CRITICAL_ERROR, (unsigned long long)setting->value, ~0u, ~0u };
            return 1;
        }
    }
    return 0;
}

EXPORT int nvmlEventSetWait_v2(struct event_set *set, struct event *event, unsigned milliseconds)
{
    if (users == 0) return UNINITIALIZED;
    if (!set || !event) return INVALID_ARGUMENT;
    double now = elapsed(), end = now + milliseconds / 1e3, next = end;
    if (take_event(set, event, now, &next)) return SUCCESS;
    wait_seconds(next - now);
    return take_event(set, event, elapsed(), &next) ? SUCCESS : TIMEOUT; /* NVML, too, may come back early */
}

EXPORT int nvmlEventSetFree(struct event_set *set)
{
    free(set);
    return SUCCESS;
}
