/* Repeats recorded calls of kernels: see recorded.py, which puts the kernels in. */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef union {
    void *pointer;
    int64_t integer;
    float real;
    double number;
} Word;

struct kernel {
    const char *name, *symbol;
    int64_t (*call)(void *, Word *);
    int words;
};

/* KERNELS */

static void get(void *target, size_t bytes, FILE *file)
{
    if (bytes && fread(target, bytes, 1, file) != 1)
        exit(2);
}

/* Equal, or both NaN. */
static bool same(const char *found, const char *expected, int64_t bytes, const char *kind)
{
    if (kind[0] != 'f')
        return !memcmp(found, expected, (size_t)bytes);
    int64_t size = kind[1] - '0';
    for (int64_t at = 0; at < bytes; at += size) {
        if (!memcmp(found + at, expected + at, (size_t)size))
            continue;
        float a = 0, b = 0;
        double c = 0, d = 0;
        memcpy(size == 4 ? (void *)&a : (void *)&c, found + at, (size_t)size);
        memcpy(size == 4 ? (void *)&b : (void *)&d, expected + at, (size_t)size);
        if (!(size == 4 ? isnan(a) && isnan(b) : isnan(c) && isnan(d)))
            return false;
    }
    return true;
}

/* One call; -1 at the end of the file, else the number of arrays and results that differ. */
static int repeat(const struct kernel *kernel, void *function, FILE *file)
{
    Word words[256];
    char tag, kinds[256][2], *expected[256] = {0};
    int64_t bytes[256], result;
    for (int k = 0; k <= kernel->words; k++) {
        if (fread(&tag, 1, 1, file) != 1)
            return -1;
        double value;
        switch (tag) {
        case 'a':
            get(kinds[k], 2, file);
            get(&bytes[k], 8, file);
            words[k].pointer = malloc((size_t)bytes[k] + 1);
            expected[k] = malloc((size_t)bytes[k] + 1);
            get(words[k].pointer, (size_t)bytes[k], file);
            get(expected[k], (size_t)bytes[k], file);
            break;
        case 'f':
            get(&value, 8, file);
            words[k].real = (float)value;
            break;
        case 'd':
            get(&words[k].number, 8, file);
            break;
        case '0':
            get(&result, 8, file);
            words[k].pointer = NULL;
            break;
        default:
            get(&words[k].integer, 8, file);
        }
    }
    result = words[kernel->words].integer;
    int wrong = kernel->call(function, words) != result;
    for (int k = 0; k < kernel->words; k++) {
        if (!expected[k])
            continue;
        if (!same(words[k].pointer, expected[k], bytes[k], kinds[k])) {
            printf("%s: argument %d differs\n", kernel->name, k);
            wrong++;
        }
        free(words[k].pointer);
        free(expected[k]);
    }
    return wrong;
}

int main(int count, char **arguments)
{
    void *library = count == 3 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (!library) {
        printf("no library: %s\n", dlerror());
        return 2;
    }
    int passed = 0, failed = 0;
    for (size_t k = 0; k < sizeof KERNELS / sizeof *KERNELS; k++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.calls", arguments[2], KERNELS[k].name);
        FILE *file = fopen(path, "rb");
        void *function = dlsym(library, KERNELS[k].symbol);
        if (!file || !function) {
            printf("%s: no calls or no such kernel\n", KERNELS[k].name);
            return 2;
        }
        for (int wrong; (wrong = repeat(&KERNELS[k], function, file)) >= 0;)
            *(wrong ? &failed : &passed) += 1;
        fclose(file);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
