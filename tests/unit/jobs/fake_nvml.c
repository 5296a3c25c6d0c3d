/* Two invented GPUs for nvidia-ml-py, with the functions that calotype calls. This process computes on the second. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define INSUFFICIENT_SIZE 7
#define MIB (1024ULL * 1024ULL)

typedef struct { unsigned int gpu, memory; } Utilization;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int pid; unsigned long long used; unsigned int gpu_instance, compute_instance; } Process;

static int samples = 0;
static unsigned long long energy = 1000000; /* mJ */

static int is(const char *what) { const char *found = getenv("FAKE_NVML"); return found && strstr(found, what); }

int nvmlInitWithFlags(unsigned int flags) { return is("driver too old") ? 9 : 0; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (index > 1) return INVALID_ARGUMENT;
    *device = (void *)(long)(index + 1);
    return 0;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    if (strcmp(uuid, "GPU-second")) return INVALID_ARGUMENT;
    *device = (void *)2L;
    return 0;
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    strncpy(name, device == (void *)1L ? "First" : "Second", length);
    return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, Utilization *found) {
    if (is("without utilization")) return NOT_SUPPORTED;
    found->gpu = device == (void *)1L ? 3 : (samples++ % 2 ? 60 : 40);
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *device, Memory *found) {
    found->total = 4096 * MIB; found->used = 700 * MIB; found->free = found->total - found->used;
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned int *count, Process *found) {
    if (device == (void *)1L || is("without processes")) { *count = 0; return 0; }
    if (*count < 1) { *count = 1; return INSUFFICIENT_SIZE; }
    *count = 1;
    found[0].pid = getpid(); found[0].used = 512 * MIB; found[0].gpu_instance = found[0].compute_instance = 0;
    return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *found) {
    if (is("without energy")) return NOT_SUPPORTED;
    *found = energy += 5000;
    return 0;
}
