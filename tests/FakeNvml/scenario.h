/* What the made-up GPUs do: a list of settings, each valid from a moment on or while a file exists. Everything is a pure function of the time
   since nvmlInit and of those files, so that no state has to be kept and any thread may ask. */
#ifndef MCN_SCENARIO_H
#define MCN_SCENARIO_H

enum { MAX_GPUS = 64, MAX_LINES = 1024, ALL_GPUS = -1 };

enum key { NAME, MEMORY_TOTAL, MEMORY_USED, UTILIZATION, TEMPERATURE, POWER, XID, HANG, LOST, LINK, PROCESS, THROTTLE, ECC_ERRORS, ROWS_PENDING, ROWS_FAILED,
    PERSISTENCE, COMPUTE_MODE, KEYS };

struct setting {
    double at;          /* seconds since nvmlInit; below 0: from the beginning */
    char present[160];  /* in force only while this exists; empty: always */
    int gpu;            /* or ALL_GPUS */
    enum key key;
    unsigned number;    /* PROCESS: its id */
    int unsupported;    /* the figure answers NOT_SUPPORTED */
    double value;
    double amplitude;
    char text[96];
};

struct scenario {
    int gpus;
    int init_error;     /* what nvmlInit_v2 answers */
    char driver[32];    /* its version */
    int cuda;           /* 1000 x major + 10 x minor */
    int count;
    struct setting settings[MAX_LINES];
};

/* Defaults, then the file of MCN_FAKE_NVML_SCENARIO. A line that cannot be read is told on stderr and passed over. */
void scenario_load(struct scenario *scenario);

/* The setting of one GPU in force at that time, or NULL. */
const struct setting *scenario_find(const struct scenario *scenario, int gpu, enum key key, double now);

/* The same for one process on it, or NULL. */
const struct setting *scenario_find_process(const struct scenario *scenario, int gpu, unsigned number, double now);

/* Value of a moving figure: the setting's value, swinging smoothly by its amplitude. */
double scenario_swing(const struct setting *setting, int gpu, double now);

#endif
