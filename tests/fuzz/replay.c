// tests/fuzz/replay.c – runs a fuzz target over files, so that every compiler replays the corpus as a plain test:
// fuzz_csv_replay DIR-OR-FILE …  Under clang libFuzzer brings its own main instead (see meson.build).
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1 << 20)

static int replay_file(const char *path) {
  static uint8_t bytes[INPUT_MAX];
  FILE *f = fopen(path, "rb");
  if (!f) {
    perror(path);
    exit(1);
  }
  size_t len = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  uint8_t *exact = malloc(len ? len : 1);  // its own block, so that a sanitizer sees a read past the end
  if (!exact) exit(1);
  memcpy(exact, bytes, len);
  LLVMFuzzerTestOneInput(exact, len);
  free(exact);
  return 1;
}

static int replay_dir(const char *path) {
  struct dirent **entries;
  int n = scandir(path, &entries, NULL, alphasort), count = 0;
  if (n < 0) {
    perror(path);
    exit(1);
  }
  for (int i = 0; i < n; i++) {
    char file[4096];
    snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.') count += replay_file(file);
    free(entries[i]);
  }
  free(entries);
  return count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++) {
    struct stat sb;
    if (stat(argv[i], &sb) != 0) {
      perror(argv[i]);
      return 1;
    }
    count += S_ISDIR(sb.st_mode) ? replay_dir(argv[i]) : replay_file(argv[i]);
  }
  printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}
