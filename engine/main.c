// main.c – the composition root: hands the command line to cli/, which chooses implementations.
#include "cli/cli.h"

int main(int argc, char **argv) {
  return cli_main(argc, argv);
}
