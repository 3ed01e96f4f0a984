// SPDX-License-Identifier: GPL-3.0-or-later
// The GNU Scientific Library as moesim imports it, with inline accessors for
// what Swift cannot import directly (mutable globals, function-like macros).
#ifndef CGSL_H
#define CGSL_H

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#endif
