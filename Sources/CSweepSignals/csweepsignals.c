// SPDX-License-Identifier: GPL-3.0-or-later
#include "csweepsignals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int crash_descriptor = -1;
static _Thread_local char crash_line[CSWEEP_LINE_BYTES];
static _Thread_local volatile size_t crash_length;

int csweep_die_with_parent(void) {
  pid_t parent = getppid();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  // The parent may have died meanwhile.
  if (getppid() != parent) raise(SIGKILL);
  return 0;
}

static void on_crash(int signal_number) {
  size_t length = crash_length;
  if (crash_descriptor >= 0 && length > 0) {
    ssize_t written = write(crash_descriptor, crash_line, length);
    (void)written;
  }
  // SA_RESETHAND has put the default back: the process dies of the same signal.
  raise(signal_number);
}

int csweep_mark_crashes(int descriptor) {
  static const int fatal[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
  crash_descriptor = descriptor;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_crash;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
    if (sigaction(fatal[i], &action, NULL) != 0) return errno;
  }
  return 0;
}

void csweep_set_crash_line(const char *line, size_t length) {
  crash_length = 0;
  if (length > CSWEEP_LINE_BYTES) length = CSWEEP_LINE_BYTES;
  if (length > 0) memcpy(crash_line, line, length);
  crash_length = length;
}
