/** Others' objects for numbers, documents, connections and devices: wheels, and vendors' SDKs. */
import { functions, type ObjectSpec } from "./object-spec.ts";

export const backendObjects: readonly ObjectSpec[] = [
  // NumPy.
  {
    key: "umath",
    path: "numpy/core/_multiarray_umath",
    maker: "package",
    binding: "c",
    sources: [
      "numpy/core/src/multiarray/mapping.c",
      "numpy/core/src/multiarray/ctors.c",
      "numpy/core/src/umath/ufunc_object.c",
    ],
    versions: 4,
    wrapper: {
      file: "SP/numpy/core/fromnumeric.py",
      names: ["take", "sort", "sum", "reshape", "argsort", "dot", "copyto"],
    },
    usedBy: [
      "harbor/common/arrays",
      "harbor/ml/",
      "harbor/features",
      "harbor/vision/frames",
      "harbor/reports",
    ],
    entries: functions(`
array_take | s
array_sort | s
ufunc_generic_fastcall | s
array_reshape | s
array_argsort | s
array_matrixproduct | s
array_copyto | s
`),
    middles: functions(`
PyArray_TakeFrom | s
PyArray_AssignArray | s
PyUFunc_Reduce | s
execute_ufunc_loop | s
raw_array_assign_array | s
_new_sortlike | s
_new_argsortlike | s
PyArray_CopyObject | s
NpyIter_AdvancedNew | s
npyiter_copy_to_buffers | s
mapiter_get | s
`),
    leaves: functions(`
DOUBLE_add_AVX2 | s
DOUBLE_pairwise_sum | i
aquicksort_double | s
_aligned_strided_to_contig_size8 | s
_contig_to_contig | s
OBJECT_dot | s
npy_fastputmask_impl<double> | s
`),
  },
  // SciPy's sparse matrices.
  {
    key: "sparse",
    path: "scipy/sparse/_sparsetools",
    maker: "package",
    binding: "c",
    sources: ["scipy/sparse/sparsetools/sparsetools.cxx", "scipy/sparse/sparsetools/csr.h"],
    versions: 3,
    wrapper: {
      file: "SP/scipy/sparse/_compressed.py",
      names: ["_matmul_sparse", "sum_duplicates", "_binopt", "__getitem__"],
    },
    usedBy: ["harbor/ml/", "harbor/search/"],
    entries: functions(`
csr_matmat_method | s
csr_sum_duplicates_method | s
csr_plus_csr_method | s
csr_row_index_method | s
`),
    middles: functions(`
csr_matmat_thunk(int, int, void**) | s
call_thunk(char, char const*, long long (*)(int, int, void**), _object*) | s
csr_sum_duplicates_thunk(int, int, void**) | s
csr_binop_csr_thunk(int, int, void**) | s
`),
    leaves: functions(`
void csr_matmat<int, double>(int, int, int const*, int const*, double const*, int const*, int const*, double const*, int*, int*, double*)
void csr_sum_duplicates<long, double>(long, long, long*, long*, double*)
void csr_binop_csr_canonical<int, double, double, std::plus<double> >(int, int, int const*, int const*, double const*, int const*, int const*, double const*, int*, int*, double*, std::plus<double> const&)
void csr_row_index<int, float>(int, int const*, int const*, int const*, float const*, int*, float*)
`),
  },
  // The OpenBLAS that NumPy brings along.
  {
    key: "blas",
    path: "numpy.libs/libopenblas64_p-r0-@.3.21.so",
    maker: "package",
    binding: "numpy",
    isLibrary: true,
    hashed: true,
    large: true,
    sources: ["driver/level3/gemm.c", "interface/gemm.c"],
    versions: 4,
    usedBy: ["harbor/ml/", "harbor/common/arrays"],
    entries: functions(`
cblas_dgemm64_ | x
cblas_ddot64_ | x
dgesv_64_ | x
dsyrk_64_ | x
`),
    middles: functions(`
dgemm_nn | s
dgemm_thread_nn | s
exec_blas | x
inner_thread | s
dgetrf_parallel
blas_memory_alloc | x
`),
    leaves: functions(`
dgemm_kernel_SKYLAKEX
dgemm_itcopy_SKYLAKEX
ddot_k_HASWELL
dgemm_beta_HASWELL
dtrsm_kernel_LN_ZEN
`),
  },
  // lxml, with libxml2 built in.
  {
    key: "etree",
    path: "lxml/etree",
    maker: "package",
    binding: "cython",
    mangled: "4lxml_5etree",
    sources: ["src/lxml/etree.c"],
    versions: 4,
    wrapper: {
      file: "harbor/documents/xml_util.py",
      names: ["parse", "fromstring", "validate", "xpath", "iterparse"],
    },
    usedBy: ["harbor/documents/xml", "harbor/ingest/edi"],
    entries: functions(`
parse
fromstring
validate
xpath
iterwalk
`),
    middles: functions(`
__pyx_f_4lxml_5etree__parseMemoryDocument | s
__pyx_f_4lxml_5etree_11_BaseParser__parseDoc | s
__pyx_f_4lxml_5etree__documentFactory | s
__pyx_f_4lxml_5etree_moveNodeToDocument | s
xmlParseDocument
xmlParseElementStart
xmlXPathCompiledEval
xmlSchemaValidateOneElement
xmlXPathRunEval | s
htmlParseChunk
`),
    leaves: functions(`
xmlDictLookup
xmlHashLookup3
xmlFreeNode
xmlStrEqual
xmlStringLenDecodeEntities
xmlSchemaValidatorPopElem | s
`),
  },
  // psycopg2, with libpq and OpenSSL built in.
  {
    key: "psycopg",
    path: "psycopg2/_psycopg",
    maker: "package",
    binding: "c",
    sources: ["psycopg/cursor_type.c", "psycopg/pqpath.c"],
    versions: 3,
    wrapper: {
      file: "harbor/common/db_cursor.py",
      names: ["execute", "fetchmany", "copy_expert", "commit"],
    },
    usedBy: ["harbor/common/db", "harbor/ledger/"],
    entries: functions(`
curs_execute | s
curs_fetchmany | s
curs_copy_expert | s
psyco_conn_commit | s
`),
    middles: functions(`
pq_execute | s
pq_fetch | s
_read_rows | s
PQgetResult | x
PQexec | x
pqReadData
pqsecure_read
ssl3_read_bytes
curs_get_cast | s
`),
    leaves: functions(`
typecast_cast | s
pqParseInput3
PQgetisnull | x
CRYPTO_THREAD_write_lock
SSL_read | x
`),
  },
  // gRPC's core.
  {
    key: "cygrpc",
    path: "grpc/_cython/cygrpc",
    maker: "package",
    binding: "cython",
    large: true,
    mangled: "4grpc_7_cython_6cygrpc",
    sources: ["src/core/lib/surface/call.cc", "src/core/lib/iomgr/ev_epoll1_linux.cc"],
    versions: 4,
    wrapper: { file: "SP/grpc/_channel.py", names: ["_blocking", "__call__", "_next", "close"] },
    usedBy: ["harbor/common/http", "harbor/ml/model"],
    entries: functions(`
segregated_call
next_event
start_client_batch
close
`),
    middles: functions(`
grpc_core::FilterStackCall::ExecuteBatch(grpc_transport_stream_op_batch*, grpc_closure*)
grpc_core::ExecCtx::Flush()
grpc_core::ClientChannel::CheckConnectivityState(bool)
grpc_chttp2_perform_read(grpc_chttp2_transport*, grpc_slice const&)
cq_next(grpc_completion_queue*, gpr_timespec, void*) | s
pollset_work(grpc_pollset*, grpc_pollset_worker**, grpc_core::Timestamp) | s
tsi_ssl_handshaker_next(tsi_handshaker*, unsigned char const*, unsigned long) | s
`),
    leaves: functions(`
grpc_core::RefCounted<grpc_core::Call, grpc_core::PolymorphicRefCount, (grpc_core::UnrefBehavior)1>::Unref() | i
grpc_slice_unref_internal(grpc_slice const&)
gpr_mu_lock | x
grpc_core::MultiProducerSingleConsumerQueue::Push(grpc_core::MultiProducerSingleConsumerQueue::Node*)
`),
  },
  // JSON in Rust, called without a trampoline.
  {
    key: "orjson",
    path: "orjson/orjson",
    maker: "package",
    binding: "rust",
    direct: true,
    sources: ["src/serialize/serializer.rs", "src/deserialize/mod.rs"],
    versions: 4,
    usedBy: [
      "harbor/common/codec",
      "harbor/common/cache",
      "harbor/notify",
      "harbor/common/logging",
    ],
    entries: functions(`
orjson::dumps
orjson::loads
`),
    middles: functions(`
orjson::serialize::serializer::serialize
<orjson::serialize::per_type::dict::Dict as serde::ser::Serialize>::serialize
<orjson::serialize::per_type::list::ListTupleSerializer as serde::ser::Serialize>::serialize
orjson::deserialize::backend::yyjson::deserialize
orjson::deserialize::backend::yyjson::parse_node
`),
    leaves: functions(`
orjson::str::pystr_from_str::unicode_from_str
orjson::serialize::writer::json::format_escaped_str | i
yyjson_read_opts
orjson::deserialize::cache::KeyMap::get | i
`),
  },
  // A vendor's security module.
  {
    key: "hsm",
    path: "/opt/kestrel/lib/libkestrelhsm.so.3",
    maker: "vendor",
    binding: "ctypes",
    isLibrary: true,
    sources: [],
    versions: 2,
    wrapper: {
      file: "harbor/crypto/pkcs.py",
      names: ["_call", "_call", "_call", "_call", "_call"],
    },
    usedBy: ["harbor/crypto/", "harbor/accounts"],
    entries: functions(`
KHSM_Sign | x
KHSM_UnwrapKey | x
KHSM_OpenSession | x
KHSM_Initialize | x
KHSM_GetAttribute | x
`),
    middles: functions(`
khsm_session_lookup
khsm_transport_exchange
khsm_apdu_send
khsm_marshal_template
khsm_slot_poll
`),
    leaves: functions(`
khsm_buf_copy
khsm_tlv_next
khsm_mutex_lock
khsm_log
`),
  },
  // A vendor's cameras.
  {
    key: "cam",
    path: "/opt/arcus/lib/libarcuscam.so.7",
    maker: "vendor",
    binding: "ctypes",
    isLibrary: true,
    sources: [],
    versions: 2,
    wrapper: {
      file: "harbor/vision/sdk/arcus.py",
      names: ["grab", "set_feature", "open", "queue", "start"],
    },
    usedBy: ["harbor/vision/camera"],
    entries: functions(`
ArcGrabFrame | x
ArcSetFeature | x
ArcOpenCamera | x
ArcQueueBuffer | x
ArcStartStream | x
`),
    middles: functions(`
arc::gev::Device::WriteRegister(unsigned int, unsigned int)
arc::gev::Stream::Dispatch()
arc::gev::Stream::OnLeader(arc::gev::Packet const&)
arc::GenApi::NodeMap::Find(char const*)
arc::BufferQueue::Announce(void*, unsigned long)
`),
    leaves: functions(`
arc::gev::Packet::Payload() const
arc::BufferQueue::Slot(int)
arc::Mutex::Lock()
arc::GenApi::NodeMap::Parse(char const*)
`),
  },
];
