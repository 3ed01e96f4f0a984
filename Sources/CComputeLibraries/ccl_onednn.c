// SPDX-License-Identifier: GPL-3.0-or-later
//
// The few functions of oneDNN's C interface that a product needs, declared here and found at run
// time. Versions 2 and 3 differ in how descriptors are made (a structure that the caller holds, or an
// object that the library allocates) and agree on all that follows; both are served, a descriptor
// being a pointer to either.
#define _GNU_SOURCE
#include "CComputeLibraries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Values that both versions share.
enum { success = 0 };
enum { kind_cpu = 1, in_order = 1, tag_any = 1 };
enum { type_bf16 = 2, type_f32 = 3, type_s32 = 4, type_s8 = 5, type_u8 = 6 };
enum { query_implementation = 8, query_weights = 131 };
enum { argument_source = 1, argument_destination = 17, argument_weights = 33 };
enum { runtime_openmp = 2 };
// Room for version 2's structures (696 and 2800 bytes in 2.6) and for their growth.
enum { descriptor_room = 4096, operation_room = 16384 };

typedef struct {
  int major, minor, patch;
  const char *hash;
  unsigned cpu_runtime, gpu_runtime;
} version;
typedef struct {
  int argument;
  void *memory;
} execution_argument;

struct ccl_onednn {
  int major;
  char version[32];
  void *engine, *stream;
  void (*set_threads)(int);
  // Shared by both versions.
  int (*memory_create)(void **, const void *descriptor, void *engine, void *handle);
  int (*memory_destroy)(void *);
  int (*set_handle)(void *memory, void *handle);
  size_t (*descriptor_size)(const void *);
  const void *(*query_descriptor)(const void *primitive_descriptor, int what, int index);
  int (*query)(const void *primitive_descriptor, int what, int index, void *result);
  int (*primitive_create)(void **, const void *primitive_descriptor);
  int (*primitive_destroy)(void *);
  int (*primitive_descriptor_destroy)(void *);
  int (*execute)(const void *primitive, void *stream, int count, const execution_argument *);
  int (*wait)(void *stream);
  int (*reorder)(void **, const void *from, void *from_engine, const void *to, void *to_engine,
                 const void *attributes);
  // Version 2.
  int (*init_strides)(void *, int, const int64_t *, int, const int64_t *);
  int (*init_tag)(void *, int, const int64_t *, int, int);
  int (*matmul2)(void *, const void *, const void *, const void *, const void *);
  int (*primitive_descriptor2)(void **, const void *, const void *, void *, const void *);
  // Version 3.
  int (*create_strides)(void **, int, const int64_t *, int, const int64_t *);
  int (*create_tag)(void **, int, const int64_t *, int, int);
  int (*descriptor_destroy)(void *);
  int (*matmul3)(void **, void *, const void *, const void *, const void *, const void *,
                 const void *);
};

struct ccl_matmul {
  ccl_onednn *library;
  ccl_precision precision;
  int m, n, k;
  void *source, *any, *plain, *destination;  // descriptors
  void *description;                         // of the primitive
  void *primitive;
  const void *weights;  // the descriptor of packed weights, owned by `description`
  void *memories[3];
  const char *implementation;
};

#define FIND(field, name)                              \
  if (!(*(void **)&library->field = dlsym(handle, name))) { \
    missing = name;                                    \
  }

static const char *find(ccl_onednn *library, void *handle) {
  const char *missing = NULL;
  FIND(memory_create, "dnnl_memory_create")
  FIND(memory_destroy, "dnnl_memory_destroy")
  FIND(set_handle, "dnnl_memory_set_data_handle")
  FIND(descriptor_size, "dnnl_memory_desc_get_size")
  FIND(query_descriptor, "dnnl_primitive_desc_query_md")
  FIND(query, "dnnl_primitive_desc_query")
  FIND(primitive_create, "dnnl_primitive_create")
  FIND(primitive_destroy, "dnnl_primitive_destroy")
  FIND(primitive_descriptor_destroy, "dnnl_primitive_desc_destroy")
  FIND(execute, "dnnl_primitive_execute")
  FIND(wait, "dnnl_stream_wait")
  FIND(reorder, "dnnl_reorder_primitive_desc_create")
  if (library->major == 2) {
    FIND(init_strides, "dnnl_memory_desc_init_by_strides")
    FIND(init_tag, "dnnl_memory_desc_init_by_tag")
    FIND(matmul2, "dnnl_matmul_desc_init")
    FIND(primitive_descriptor2, "dnnl_primitive_desc_create")
  } else {
    FIND(create_strides, "dnnl_memory_desc_create_with_strides")
    FIND(create_tag, "dnnl_memory_desc_create_with_tag")
    FIND(descriptor_destroy, "dnnl_memory_desc_destroy")
    FIND(matmul3, "dnnl_matmul_primitive_desc_create")
  }
  return missing;
}

ccl_onednn *ccl_onednn_open(const char *name, char *message, size_t size) {
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    snprintf(message, size, "%s", dlerror());
    return NULL;
  }
  const version *(*get_version)(void) = (const version *(*)(void))dlsym(handle, "dnnl_version");
  const version *its = get_version ? get_version() : NULL;
  if (!its || its->major < 2 || its->major > 3) {
    snprintf(message, size, "%s is not oneDNN 2 or 3", name);
    dlclose(handle);
    return NULL;
  }
  ccl_onednn *library = calloc(1, sizeof *library);
  if (!library) return NULL;
  library->major = its->major;
  snprintf(library->version, sizeof library->version, "%d.%d.%d", its->major, its->minor, its->patch);
  const char *missing = find(library, handle);
  int (*engine)(void **, int, size_t) = (int (*)(void **, int, size_t))dlsym(handle, "dnnl_engine_create");
  int (*stream)(void **, void *, unsigned) =
      (int (*)(void **, void *, unsigned))dlsym(handle, "dnnl_stream_create");
  if (missing || !engine || !stream) {
    snprintf(message, size, "%s %s lacks %s", name, library->version, missing ? missing : "an engine");
  } else if (engine(&library->engine, kind_cpu, 0) != success ||
             stream(&library->stream, library->engine, in_order) != success) {
    snprintf(message, size, "%s %s gives no processor engine", name, library->version);
  } else {
    // Found through the library, whose OpenMP this is.
    if (its->cpu_runtime == runtime_openmp)
      library->set_threads = (void (*)(int))dlsym(handle, "omp_set_num_threads");
    return library;
  }
  free(library);
  dlclose(handle);
  return NULL;
}

const char *ccl_onednn_version(const ccl_onednn *library) { return library->version; }

bool ccl_onednn_set_threads(const ccl_onednn *library, int threads) {
  if (!library->set_threads) return threads == 1;
  library->set_threads(threads);
  return true;
}

// A descriptor of two dimensions; with strides of 0, in whichever order the library likes.
static void *descriptor(const ccl_onednn *library, int type, int64_t rows, int64_t columns,
                        int64_t row_stride, int64_t column_stride) {
  const int64_t sizes[12] = {rows, columns}, strides[12] = {row_stride, column_stride};
  void *made = NULL;
  bool any = row_stride == 0;
  if (library->major == 2) {
    made = calloc(1, descriptor_room);
    if (!made) return NULL;
    int status = any ? library->init_tag(made, 2, sizes, type, tag_any)
                     : library->init_strides(made, 2, sizes, type, strides);
    if (status != success) {
      free(made);
      return NULL;
    }
    return made;
  }
  int status = any ? library->create_tag(&made, 2, sizes, type, tag_any)
                   : library->create_strides(&made, 2, sizes, type, strides);
  return status == success ? made : NULL;
}

static void release(const ccl_onednn *library, void *made) {
  if (!made) return;
  if (library->major == 2) {
    free(made);
  } else {
    library->descriptor_destroy(made);
  }
}

static int describe(ccl_matmul *matmul, const void *weights) {
  ccl_onednn *library = matmul->library;
  if (library->major == 3)
    return library->matmul3(&matmul->description, library->engine, matmul->source, weights, NULL,
                            matmul->destination, NULL);
  void *operation = calloc(1, operation_room);
  if (!operation) return 1;
  int status = library->matmul2(operation, matmul->source, weights, NULL, matmul->destination);
  if (status == success)
    status = library->primitive_descriptor2(&matmul->description, operation, NULL, library->engine, NULL);
  free(operation);
  return status;
}

ccl_matmul *ccl_matmul_create(ccl_onednn *library, ccl_precision precision, int m, int n, int k,
                              const ccl_matmul *like, char *message, size_t size) {
  static const int sources[] = {type_f32, type_bf16, type_u8};
  static const int weights[] = {type_f32, type_bf16, type_s8};
  static const int destinations[] = {type_f32, type_f32, type_s32};
  ccl_matmul *matmul = calloc(1, sizeof *matmul);
  if (!matmul) return NULL;
  matmul->library = library;
  matmul->precision = precision;
  matmul->m = m;
  matmul->n = n;
  matmul->k = k;
  matmul->source = descriptor(library, sources[precision], m, k, k, 1);
  matmul->any = descriptor(library, weights[precision], k, n, 0, 0);
  matmul->plain = descriptor(library, weights[precision], k, n, 1, k);
  matmul->destination = descriptor(library, destinations[precision], m, n, n, 1);
  int status = describe(matmul, like ? like->weights : matmul->any);
  if (status == success) {
    library->query(matmul->description, query_implementation, 0, &matmul->implementation);
    matmul->weights = library->query_descriptor(matmul->description, query_weights, 0);
    status = library->primitive_create(&matmul->primitive, matmul->description);
  }
  // Memory objects without memory; each run gives them theirs.
  const void *of[3] = {matmul->source, matmul->weights, matmul->destination};
  for (int index = 0; index < 3 && status == success; index++)
    status = library->memory_create(&matmul->memories[index], of[index], library->engine, NULL);
  if (status == success) return matmul;
  snprintf(message, size, "oneDNN %s has no product of this precision and shape (status %d)",
           library->version, status);
  ccl_matmul_destroy(matmul);
  return NULL;
}

size_t ccl_matmul_weight_bytes(const ccl_matmul *matmul) {
  return matmul->library->descriptor_size(matmul->weights);
}

const char *ccl_matmul_implementation(const ccl_matmul *matmul) {
  return matmul->implementation ? matmul->implementation : "unknown";
}

static int execute(const ccl_onednn *library, void *primitive, int count,
                   const execution_argument *arguments) {
  int status = library->execute(primitive, library->stream, count, arguments);
  return status == success ? library->wait(library->stream) : status;
}

int ccl_matmul_pack(ccl_matmul *matmul, const void *plain, void *packed) {
  ccl_onednn *library = matmul->library;
  void *description = NULL, *primitive = NULL, *from = NULL, *to = NULL;
  int status = library->reorder(&description, matmul->plain, library->engine, matmul->weights,
                                library->engine, NULL);
  if (status == success) status = library->primitive_create(&primitive, description);
  if (status == success)
    status = library->memory_create(&from, matmul->plain, library->engine, (void *)plain);
  if (status == success) status = library->memory_create(&to, matmul->weights, library->engine, packed);
  if (status == success) {
    execution_argument arguments[] = {{argument_source, from}, {argument_destination, to}};
    status = execute(library, primitive, 2, arguments);
  }
  if (from) library->memory_destroy(from);
  if (to) library->memory_destroy(to);
  if (primitive) library->primitive_destroy(primitive);
  if (description) library->primitive_descriptor_destroy(description);
  return status;
}

int ccl_matmul_run(ccl_matmul *matmul, const void *x, const void *packed, void *y) {
  ccl_onednn *library = matmul->library;
  void *const handles[3] = {(void *)x, (void *)packed, y};
  for (int index = 0; index < 3; index++) {
    int status = library->set_handle(matmul->memories[index], handles[index]);
    if (status != success) return status;
  }
  execution_argument arguments[] = {{argument_source, matmul->memories[0]},
                                    {argument_weights, matmul->memories[1]},
                                    {argument_destination, matmul->memories[2]}};
  return execute(library, matmul->primitive, 3, arguments);
}

void ccl_matmul_destroy(ccl_matmul *matmul) {
  if (!matmul) return;
  const ccl_onednn *library = matmul->library;
  for (int index = 0; index < 3; index++)
    if (matmul->memories[index]) library->memory_destroy(matmul->memories[index]);
  if (matmul->primitive) library->primitive_destroy(matmul->primitive);
  if (matmul->description) library->primitive_descriptor_destroy(matmul->description);
  release(library, matmul->source);
  release(library, matmul->any);
  release(library, matmul->plain);
  release(library, matmul->destination);
  free(matmul);
}
