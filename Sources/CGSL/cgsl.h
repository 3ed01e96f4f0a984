// SPDX-License-Identifier: GPL-3.0-or-later
// The GNU Scientific Library as moesim imports it, with inline accessors for
// what Swift cannot import directly: mutable globals (Swift 6 refuses them) and
// function-like macros.
//
// GSL's default error handler aborts the process. Whoever calls GSL turns it
// off first (`cgsl_prepare`) and checks the status that each function returns.
#ifndef CGSL_H
#define CGSL_H

#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_interp.h>
#include <gsl/gsl_interp2d.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_spline.h>
#include <gsl/gsl_spline2d.h>
#include <gsl/gsl_statistics.h>
#include <gsl/gsl_vector.h>
#include <gsl/gsl_version.h>

/// Turns GSL's aborting error handler off, so that errors come back as statuses.
static inline void cgsl_prepare(void) { (void)gsl_set_error_handler_off(); }

// Algorithm names are mutable globals in GSL's headers.

static inline const gsl_qrng_type *cgsl_qrng_sobol(void) { return gsl_qrng_sobol; }

static inline const gsl_rng_type *cgsl_rng_mt19937(void) { return gsl_rng_mt19937; }

static inline const gsl_interp_type *cgsl_interp_linear(void) { return gsl_interp_linear; }
static inline const gsl_interp_type *cgsl_interp_cspline(void) { return gsl_interp_cspline; }
static inline const gsl_interp_type *cgsl_interp_akima(void) { return gsl_interp_akima; }
static inline const gsl_interp_type *cgsl_interp_steffen(void) { return gsl_interp_steffen; }

static inline const gsl_interp2d_type *cgsl_interp2d_bilinear(void) {
  return gsl_interp2d_bilinear;
}
static inline const gsl_interp2d_type *cgsl_interp2d_bicubic(void) {
  return gsl_interp2d_bicubic;
}

static inline const gsl_multifit_nlinear_type *cgsl_multifit_nlinear_trust(void) {
  return gsl_multifit_nlinear_trust;
}
static inline const gsl_multifit_nlinear_trs *cgsl_multifit_nlinear_trs_lm(void) {
  return gsl_multifit_nlinear_trs_lm;
}

static inline const gsl_multimin_fminimizer_type *cgsl_multimin_nmsimplex2(void) {
  return gsl_multimin_fminimizer_nmsimplex2;
}
static inline const gsl_min_fminimizer_type *cgsl_min_brent(void) {
  return gsl_min_fminimizer_brent;
}
static inline const gsl_root_fsolver_type *cgsl_root_brent(void) {
  return gsl_root_fsolver_brent;
}

#endif
