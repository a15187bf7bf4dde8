// cli/cli.c – parsing of the command line, help, completion and man page, all from the command table.
#include "cli/cli.h"

#include "base/buf.h"
#include "base/suggest.h"
#include "market/text.h"
#include "script/script_error.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_MAX 64

static const struct cli_option option_help = {"--help", NULL, "show this help"};

// ---- messages

void cli_error(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("perigee: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
}

void cli_warn(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("perigee: warning: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
}

int cli_usage(const struct cli_args *a, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("perigee: ", stderr);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  if (a && a->command)
    fprintf(stderr, "\nusage: perigee %s %s\nsee: perigee help %s\n", a->command->name, a->command->synopsis, a->command->name);
  else
    fprintf(stderr, "\nsee: perigee help\n");
  return 2;
}

// ---- the command table

static const struct cli_command *command_find(const char *name) {
  for (int i = 0; cli_commands[i]; i++)
    if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
  return NULL;
}

static const struct cli_option *option_find(const struct cli_command *c, const char *name, size_t len) {
  if (strlen(option_help.name) == len && memcmp(name, option_help.name, len) == 0) return &option_help;
  for (const struct cli_option *o = c->options; o->name; o++)
    if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
  return NULL;
}

static int option_unknown(const struct cli_args *a, const char *text) {
  const char *names[CLI_OPTIONS_MAX];
  size_t n = 0;
  for (const struct cli_option *o = a->command->options; o->name && n < CLI_OPTIONS_MAX; o++) names[n++] = o->name;
  char word[64];
  snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "="), text);
  const char *near = suggest_nearest(word, names, n);
  if (near) return cli_usage(a, "%s has no option %s; did you mean %s?", a->command->name, word, near);
  return cli_usage(a, "%s has no option %s", a->command->name, word);
}

static int command_unknown(const char *name) {
  const char *names[COMMANDS_MAX];
  size_t n = 0;
  for (; cli_commands[n] && n < COMMANDS_MAX; n++) names[n] = cli_commands[n]->name;
  const char *near = suggest_nearest(name, names, n);
  if (near) return cli_usage(NULL, "there is no command \"%s\"; did you mean \"%s\"?", name, near);
  return cli_usage(NULL, "there is no command \"%s\"", name);
}

// ---- help

static void help_options(const struct cli_command *c, FILE *out) {
  for (const struct cli_option *o = c->options; o->name; o++) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    fprintf(out, "  %-28s %s\n", left, o->about);
  }
  fprintf(out, "  %-28s %s\n", option_help.name, option_help.about);
}

static void help_command(const struct cli_command *c, FILE *out) {
  fprintf(out, "perigee %s – %s\n\nusage: perigee %s %s\n", c->name, c->about, c->name, c->synopsis);
  if (c->text) fprintf(out, "\n%s\n", c->text);
  fprintf(out, "\noptions:\n");
  help_options(c, out);
  if (!c->next) return;
  fprintf(out, "\nnext:\n");
  for (const char *p = c->next; *p;) {
    size_t len = strcspn(p, "\n");
    fputs("  ", out);
    fwrite(p, 1, len, out);
    fputs("\n", out);
    p += len + (p[len] == '\n');
  }
}

static void help_all(FILE *out) {
  fprintf(out, "perigee – trading strategies in Lua: check, backtest, serve\n\nusage: perigee COMMAND …\n\n");
  for (int i = 0; cli_commands[i]; i++) fprintf(out, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->about);
  fprintf(out, "\nBegin with:\n  perigee backtest strategies/sma_cross.lua --data examples/data/SP500_1d.csv\n");
  fprintf(out, "\nperigee help COMMAND tells more. Exit code 0: done, 1: the work failed, 2: wrong usage, 130: interrupted.\n");
}

static void man_text(FILE *out, const char *text) {
  for (const char *p = text; *p; p++) {
    if (*p == '-' || *p == '\\') fputc('\\', out);
    if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n')) fputs("\\&", out);
    fputc(*p, out);
  }
}

static void man_page(FILE *out) {
  fprintf(out, ".TH PERIGEE 1\n.SH NAME\nperigee \\- trading strategies in Lua: check, backtest, serve\n.SH SYNOPSIS\n.B perigee\nCOMMAND ...\n.SH COMMANDS\n");
  for (int i = 0; cli_commands[i]; i++) {
    const struct cli_command *c = cli_commands[i];
    fprintf(out, ".SS perigee %s ", c->name);
    man_text(out, c->synopsis);
    fputs("\n", out);
    man_text(out, c->about);
    fputs("\n", out);
    if (c->text) {
      fputs(".PP\n", out);
      man_text(out, c->text);
      fputs("\n", out);
    }
    for (const struct cli_option *o = c->options; o->name; o++) {
      fputs(".TP\n.B ", out);
      man_text(out, o->name);
      if (o->arg) fprintf(out, " \\fI%s\\fR", o->arg);
      fputs("\n", out);
      man_text(out, o->about);
      fputs("\n", out);
    }
  }
  fprintf(out, ".SH EXIT STATUS\n0 done, 1 the work failed, 2 wrong usage, 130 interrupted.\n");
}

static int run_help(const struct cli_args *a) {
  if (cli_has(a, "--man")) {
    man_page(stdout);
    return 0;
  }
  if (a->positional_count == 0) {
    help_all(stdout);
    return 0;
  }
  const struct cli_command *c = command_find(a->positional[0]);
  if (!c) return command_unknown(a->positional[0]);
  help_command(c, stdout);
  return 0;
}

static const struct cli_option help_options_list[] = {{"--man", NULL, "the whole manual as a man page (perigee help --man | man -l -)"}, {NULL, NULL, NULL}};
const struct cli_command cmd_help = {"help", "[COMMAND]", "what the commands do", NULL, help_options_list, run_help,
  "perigee help COMMAND\n"
  "perigee help --man | man -l -                 all of it"};

// ---- completion

static int run_completion(const struct cli_args *a) {
  const char *shell = a->positional_count ? a->positional[0] : "bash";
  if (strcmp(shell, "fish") == 0) {
    for (int i = 0; cli_commands[i]; i++) {
      const struct cli_command *c = cli_commands[i];
      printf("complete -c perigee -n __fish_use_subcommand -a %s -d '%s'\n", c->name, c->about);
      for (const struct cli_option *o = c->options; o->name; o++)
        printf("complete -c perigee -n '__fish_seen_subcommand_from %s' -l %s%s\n", c->name, o->name + 2, o->arg ? " -r" : "");
    }
    return 0;
  }
  if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0) return cli_usage(a, "no completion for \"%s\"; there is bash, zsh, fish", shell);
  if (shell[0] == 'z') printf("autoload -U +X bashcompinit && bashcompinit\n");
  printf("_perigee() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\"\n  case \"${COMP_WORDS[1]}\" in\n");
  for (int i = 0; cli_commands[i]; i++) {
    printf("    %s) local options=\"--help", cli_commands[i]->name);
    for (const struct cli_option *o = cli_commands[i]->options; o->name; o++) printf(" %s", o->name);
    printf("\" ;;\n");
  }
  printf("    *) COMPREPLY=($(compgen -W \"");
  for (int i = 0; cli_commands[i]; i++) printf("%s%s", i ? " " : "", cli_commands[i]->name);
  printf("\" -- \"$word\")); return ;;\n  esac\n  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\")); else COMPREPLY=($(compgen -f -- \"$word\")); fi\n}\ncomplete -F _perigee perigee\n");
  return 0;
}

static const struct cli_option no_options[] = {{NULL, NULL, NULL}};
const struct cli_command cmd_completion = {"completion", "bash|zsh|fish", "completion for a shell: source <(perigee completion bash)", NULL, no_options, run_completion,
  "echo 'source <(perigee completion bash)' >> ~/.bashrc   for every shell from now on"};

// ---- parsing

static int parse_options(int argc, char **argv, struct cli_args *a, bool *ret_help) {
  bool only_positional = false;
  for (int i = 0; i < argc; i++) {
    const char *word = argv[i];
    if (only_positional || word[0] != '-' || word[1] == '\0') {
      if (a->positional_count == CLI_POSITIONALS_MAX) return cli_usage(a, "too many arguments");
      a->positional[a->positional_count++] = word;
      continue;
    }
    if (strcmp(word, "--") == 0) {
      only_positional = true;
      continue;
    }
    if (strcmp(word, "-h") == 0) word = "--help";
    size_t len = strcspn(word, "=");
    const struct cli_option *o = option_find(a->command, word, len);
    if (!o) return option_unknown(a, word);
    if (o == &option_help) {
      *ret_help = true;
      continue;
    }
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    if (!o->arg && value) return cli_usage(a, "%s takes no value", o->name);
    if (o->arg && !value) {
      if (i + 1 == argc) return cli_usage(a, "%s needs a value: %s", o->name, o->arg);
      value = argv[++i];
    }
    if (a->given_count == CLI_OPTIONS_MAX) return cli_usage(a, "too many options");
    a->given[a->given_count++] = (struct cli_given){o, value};
  }
  return 0;
}

int cli_main(int argc, char **argv) {
  static struct cli_args args;  // large, and there is one command line per process
  memset(&args, 0, sizeof args);
  if (argc < 2) {
    help_all(stderr);
    return 2;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) name = "version";
  args.command = command_find(name);
  if (!args.command) return command_unknown(name);
  bool help = false;
  int code = parse_options(argc - 2, argv + 2, &args, &help);
  if (code) return code;
  if (help) {
    help_command(args.command, stdout);
    return 0;
  }
  code = args.command->run(&args);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    cli_error("standard output: %s", strerror(errno));
    return code ? code : 1;
  }
  return code;
}

// ---- values

const char *cli_value(const struct cli_args *a, const char *name, const char *absent) {
  assert(option_find(a->command, name, strlen(name)));
  for (int i = a->given_count - 1; i >= 0; i--)
    if (strcmp(a->given[i].option->name, name) == 0) return a->given[i].value;
  return absent;
}

bool cli_has(const struct cli_args *a, const char *name) {
  assert(option_find(a->command, name, strlen(name)));
  for (int i = 0; i < a->given_count; i++)
    if (strcmp(a->given[i].option->name, name) == 0) return true;
  return false;
}

bool cli_scaled(const struct cli_args *a, const char *name, int scale, int64_t min, int64_t max, int64_t *ret) {
  const char *text = cli_value(a, name, NULL);
  if (!text) return true;
  struct decimal d;
  int64_t v;
  if (!decimal_parse(text, strlen(text), &d)) return cli_usage(a, "%s %s: not a number", name, text), false;
  if (!decimal_rescale(d, scale, &v)) return cli_usage(a, "%s %s: at most %d digits after the point, and not that large", name, text, scale), false;
  char low[DECIMAL_TEXT_MAX], high[DECIMAL_TEXT_MAX];
  decimal_format_scaled(min, scale, low);
  decimal_format_scaled(max, scale, high);
  if (v < min || v > max) return cli_usage(a, "%s %s is outside %s … %s", name, text, low, high), false;
  *ret = v;
  return true;
}

bool cli_integer(const struct cli_args *a, const char *name, int64_t min, int64_t max, int64_t *ret) {
  return cli_scaled(a, name, 0, min, max, ret);
}

bool cli_decimal(const struct cli_args *a, const char *name, struct decimal *ret) {
  const char *text = cli_value(a, name, NULL);
  if (!text) return true;
  struct decimal d;
  if (!decimal_parse(text, strlen(text), &d) || d.digits <= 0) return cli_usage(a, "%s %s: a number above 0 is wanted", name, text), false;
  *ret = d;
  return true;
}

bool cli_time(const struct cli_args *a, const char *name, int64_t *ret_ns) {
  const char *text = cli_value(a, name, NULL);
  if (!text) return true;
  enum time_unit unit = TIME_UNIT_NONE;
  char padded[96] = "";  // the parser may look ahead TEXT_PAD bytes
  snprintf(padded, sizeof padded - TEXT_PAD, "%s", text);
  const char *why = time_parse((struct slice){padded, strlen(padded)}, &unit, 0, ret_ns);
  if (why) return cli_usage(a, "%s %s: %s (write 2021-04-20, 2021-04-20T12:00:00Z or Unix time)", name, text, why), false;
  return true;
}

void cli_script_error(const char *message, const char *path, const char *source, size_t len) {
  struct buf out;
  buf_init(&out, 16384);
  script_error_show(&out, message, path, source, len);
  cli_error("%s", out.data ? out.data : message);
  buf_finish(&out);
}

// ---- progress

void cli_progress_init(struct cli_progress *p, const char *what) {
  *p = (struct cli_progress){.what = what, .on = isatty(STDERR_FILENO), .shown = -1};
}

void cli_progress_show(struct cli_progress *p, size_t done, size_t total) {
  int percent = total ? (int)(100 * done / total) : 0;
  if (!p->on || percent == p->shown) return;
  p->shown = percent;
  fprintf(stderr, "\r%s [", p->what);
  for (int i = 0; i < 40; i++) fputc(i < percent * 40 / 100 ? '#' : '.', stderr);
  fprintf(stderr, "] %3d %%", percent);
  fflush(stderr);
}

void cli_progress_clear(struct cli_progress *p) {
  if (p->on && p->shown >= 0) fprintf(stderr, "\r%*s\r", 60 + (int)strlen(p->what), "");
  p->shown = -1;
}

bool cli_script_read(const char *path, struct buf *ret) {
  struct err err;
  buf_init(ret, 1 << 20);
  if (buf_read_file(ret, path, &err) == OK) return true;
  cli_error("%s", err.msg);
  buf_finish(ret);
  return false;
}
