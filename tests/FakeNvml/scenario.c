#include "scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const key_names[KEYS] = {
    "name", "memory_total", "memory_used", "utilization", "temperature", "power", "xid", "hang", "lost", "link", "process",
    "throttle", "ecc_errors", "rows_pending", "rows_failed", "persistence", "compute_mode",
};

/* An A100-SXM4-40GB at work. Memory in MiB, power in W. */
static const char *const defaults[] = {
    "gpu * name NVIDIA A100-SXM4-40GB",
    "gpu * memory_total 40960",
    "gpu * memory_used 21500 700",
    "gpu * utilization 91 7",
    "gpu * temperature 61 5",
    "gpu * power 305 45",
    "gpu * link nvlink",
    "gpu * throttle 0",
    "gpu * ecc_errors 0",
    "gpu * rows_pending 0",
    "gpu * rows_failed 0",
    "gpu * persistence 1",
    "gpu * compute_mode 0",
};

static int parse_key(const char *word)
{
    for (int key = 0; key < KEYS; key++)
        if (strcmp(word, key_names[key]) == 0) return key;
    return -1;
}

/* `KEY VALUE [AMPLITUDE]`, `KEY unsupported`, `name TEXT`, `hang SECONDS`, `process ID VALUE`, `lost`, `back`. */
static int parse_setting(char *rest, struct setting *setting)
{
    char word[32];
    int used = 0;
    if (sscanf(rest, "%31s%n", word, &used) != 1) return 0;
    rest += used + strspn(rest + used, " \t");
    if (strcmp(word, "back") == 0) {
        setting->key = LOST;
        return *rest == 0;
    }
    int key = parse_key(word);
    if (key < 0) return 0;
    setting->key = (enum key)key;
    if (key == LOST) {
        setting->value = 1;
        return *rest == 0;
    }
    if (key == NAME) {
        snprintf(setting->text, sizeof setting->text, "%s", rest);
        return *rest != 0;
    }
    if (key == LINK) {
        snprintf(setting->text, sizeof setting->text, "%s", rest);
        return strcmp(rest, "nvlink") == 0 || strcmp(rest, "pcie") == 0 || strcmp(rest, "none") == 0;
    }
    if (key == PROCESS) {
        int length = 0;
        if (sscanf(rest, "%u %n", &setting->number, &length) != 1 || length == 0) return 0;
        rest += length;
    }
    if (strcmp(rest, "unsupported") == 0 && key != XID && key != HANG) {
        setting->unsupported = 1;
        return 1;
    }
    char *end;
    setting->value = strtod(rest, &end);
    if (end == rest || !isfinite(setting->value) || setting->value < 0) return 0;
    if (key == HANG && *end == 's') end++;
    char *second = end;
    setting->amplitude = strtod(second, &end);
    if (!isfinite(setting->amplitude)) return 0;
    return end[strspn(end, " \t")] == 0;
}

static int parse_line(struct scenario *scenario, char *line)
{
    struct setting setting = { .at = -1 };
    int number, used = 0;
    char gpu[16];
    if (sscanf(line, "gpus %d%n", &number, &used) == 1 && line[used] == 0) {
        if (number < 0 || number > MAX_GPUS) return 0;
        scenario->gpus = number;
        return 1;
    }
    if (sscanf(line, "init %d%n", &number, &used) == 1 && line[used] == 0) {
        scenario->init_error = number;
        return 1;
    }
    if (sscanf(line, "driver %31s%n", scenario->driver, &used) == 1 && line[used] == 0) return 1;
    if (sscanf(line, "cuda %d%n", &scenario->cuda, &used) == 1 && line[used] == 0) return 1;
    used = 0;
    if (sscanf(line, "at %lfs %n", &setting.at, &used) == 1 && used > 0) {
        if (!isfinite(setting.at) || setting.at < 0) return 0;
        line += used;
        used = 0;
    }
    if (sscanf(line, "while %159s %n", setting.present, &used) == 1 && used > 0) {
        line += used;
        used = 0;
    }
    if (sscanf(line, "gpu %15s %n", gpu, &used) != 1 || used == 0) return 0;
    if (strcmp(gpu, "*") == 0) {
        setting.gpu = ALL_GPUS;
    } else {
        char *end;
        setting.gpu = (int)strtol(gpu, &end, 10);
        if (*end != 0 || setting.gpu < 0 || setting.gpu >= MAX_GPUS) return 0;
    }
    if (!parse_setting(line + used, &setting) || scenario->count == MAX_LINES) return 0;
    scenario->settings[scenario->count++] = setting;
    return 1;
}

static void load_file(struct scenario *scenario, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "fake nvml: %s: cannot be opened; the default scenario is used\n", path);
        return;
    }
    char line[512];
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "#\r\n")] = 0;
        char *start = line + strspn(line, " \t");
        for (size_t length = strlen(start); length > 0 && strchr(" \t", start[length - 1]); length--) start[length - 1] = 0;
        if (*start && !parse_line(scenario, start))
            fprintf(stderr, "fake nvml: %s:%d: not understood, passed over: %s\n", path, number, start);
    }
    fclose(file);
}

void scenario_load(struct scenario *scenario)
{
    memset(scenario, 0, sizeof *scenario);
    scenario->gpus = 4;
    strcpy(scenario->driver, "570.86.15");
    scenario->cuda = 12080;
    const char *gpus = getenv("MCN_FAKE_NVML_GPUS");
    if (gpus && *gpus) {
        char *end;
        long number = strtol(gpus, &end, 10);
        if (*end == 0 && number >= 0 && number <= MAX_GPUS) scenario->gpus = (int)number;
        else fprintf(stderr, "fake nvml: MCN_FAKE_NVML_GPUS: found '%s', expected 0 to %d; 4 are used\n", gpus, MAX_GPUS);
    }
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        char line[96];
        snprintf(line, sizeof line, "%s", defaults[i]);
        parse_line(scenario, line);
    }
    const char *path = getenv("MCN_FAKE_NVML_SCENARIO");
    if (path && *path) load_file(scenario, path);
}

static const struct setting *find(const struct scenario *scenario, int gpu, enum key key, unsigned number, double now)
{
    const struct setting *found = NULL;
    for (int i = 0; i < scenario->count; i++) {
        const struct setting *setting = &scenario->settings[i];
        if (setting->key != key || setting->number != number || setting->at > now) continue;
        if (setting->gpu != ALL_GPUS && setting->gpu != gpu) continue;
        if (setting->present[0] && access(setting->present, F_OK) != 0) continue;
        if (!found || setting->at >= found->at) found = setting; /* of the same moment, the later line */
    }
    return found;
}

const struct setting *scenario_find(const struct scenario *scenario, int gpu, enum key key, double now)
{
    return find(scenario, gpu, key, 0, now);
}

const struct setting *scenario_find_process(const struct scenario *scenario, int gpu, unsigned number, double now)
{
    return find(scenario, gpu, PROCESS, number, now);
}

/* Two slow waves whose periods never meet, shifted from GPU to GPU and figure to figure: alive on a chart, without a jump. */
double scenario_swing(const struct setting *setting, int gpu, double now)
{
    double phase = 1.7 * gpu + 0.9 * (int)setting->key;
    double wave = 0.65 * sin(now * 2 * M_PI / 47 + phase) + 0.35 * sin(now * 2 * M_PI / 13.3 + 2 * phase);
    return setting->value + setting->amplitude * wave;
}
