// SPDX-License-Identifier: GPL-3.0-or-later
// What a worker of a sweep needs of the system and Swift cannot call by itself: prctl is variadic,
// and a handler of a fatal signal may do no more than write(2).
#ifndef CSWEEPSIGNALS_H
#define CSWEEPSIGNALS_H

#include <stddef.h>

/// Has this process killed when the thread that started it ends. Returns 0, or an errno.
int csweep_die_with_parent(void);

/// The longest line that a thread may leave to be written.
#define CSWEEP_LINE_BYTES 512

/// From now on a fatal signal (a trap, a bad address, abort) appends the line of the thread that it
/// hits to the file descriptor before the process dies of it. Returns 0, or an errno.
int csweep_mark_crashes(int descriptor);

/// The line that is appended should this thread crash; length 0 for none. Lines longer than
/// CSWEEP_LINE_BYTES are cut.
void csweep_set_crash_line(const char *line, size_t length);

#endif
