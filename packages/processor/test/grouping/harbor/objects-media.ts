/** Others' objects for pictures, video, tensors, event loops and tables. */
import { functions, type ObjectSpec } from "./object-spec.ts";

export const mediaObjects: readonly ObjectSpec[] = [
  // Pillow.
  {
    key: "imaging",
    path: "PIL/_imaging",
    maker: "package",
    binding: "c",
    sources: ["src/_imaging.c", "src/libImaging/Resample.c", "src/decode.c"],
    versions: 4,
    wrapper: {
      file: "SP/PIL/Image.py",
      names: ["resize", "load", "convert", "tobytes", "transform"],
    },
    usedBy: ["harbor/documents/images", "harbor/vision/frames", "harbor/shipments/labels"],
    entries: functions(`
_resize | s
_decode | s
_convert | s
_encode | s
_transform | s
`),
    middles: functions(`
ImagingResample
ImagingResampleInner | s
ImagingJpegDecode
ImagingTiffDecode
ImagingConvert
ImagingLibTiffEncode
ImagingGenericTransform
jpeg_read_scanlines | x
TIFFReadEncodedStrip | x
`),
    leaves: functions(`
ImagingResampleHorizontal_8bpc
ImagingUnpackRGB
decode_mcu | s
_TIFFmemcpy
ImagingCopyPalette | s
rgb2l | s
`),
  },
  // Zstandard.
  {
    key: "zstd",
    path: "zstandard/backend_c",
    maker: "package",
    binding: "c",
    sources: ["c-ext/decompressor.c", "zstd/zstd.c"],
    versions: 3,
    usedBy: ["harbor/common/codec", "harbor/storage/"],
    entries: functions(`
Decompressor_decompress | s
Compressor_compress | s
decompressionreader_read | s
`),
    middles: functions(`
ZSTD_decompressStream
ZSTD_decompressBlock_internal
ZSTD_compressBlock_doubleFast
ZSTD_compressContinue_internal | s
decompressionreader_readinto | s
`),
    leaves: functions(`
ZSTD_decompressSequences_bmi2 | s
HUF_decompress4X1_usingDTable_internal_fast | s
ZSTD_execSequence | i
ZSTD_copyBlock | i
`),
  },
  // The FFmpeg that PyAV brings along.
  {
    key: "avcodec",
    path: "av.libs/libavcodec-@.so.60.31.102",
    maker: "package",
    binding: "pyav",
    isLibrary: true,
    hashed: true,
    large: true,
    sources: ["libavcodec/h264dec.c", "libavcodec/decode.c"],
    versions: 3,
    usedBy: ["harbor/media/"],
    entries: functions(`
avcodec_send_packet | x
avcodec_receive_frame | x
avcodec_open2 | x
`),
    middles: functions(`
decode_receive_frame_internal | s
h264_decode_frame | s
decode_nal_units | s
ff_h264_execute_decode_slices
ff_thread_decode_frame
hevc_frame_start | s
`),
    leaves: functions(`
ff_h264_decode_mb_cabac
hl_motion_422_simple_8 | s
ff_hevc_put_qpel_hv8_8_avx2
get_bits | i
av_buffer_unref | x
`),
  },
  // PyTorch on the CPU.
  {
    key: "torch",
    path: "torch/lib/libtorch_cpu.so",
    maker: "package",
    binding: "torch",
    isLibrary: true,
    large: true,
    sources: ["aten/src/ATen/native/LinearAlgebra.cpp", "aten/src/ATen/core/dispatch/Dispatcher.h"],
    versions: 4,
    usedBy: ["harbor/ml/model", "harbor/ml/embed", "harbor/vision/frames"],
    entries: functions(`
at::_ops::linear::call(at::Tensor const&, at::Tensor const&, c10::optional<at::Tensor> const&) | x
at::_ops::index_select::call(at::Tensor const&, long, at::Tensor const&) | x
at::_ops::embedding::call(at::Tensor const&, at::Tensor const&, c10::SymInt, bool, bool) | x
at::_ops::cat::call(c10::IListRef<at::Tensor> const&, long) | x
`),
    middles: functions(`
at::native::linear(at::Tensor const&, at::Tensor const&, c10::optional<at::Tensor> const&) | x
at::native::addmm_impl_cpu_(at::Tensor&, at::Tensor const&, at::Tensor, at::Tensor, c10::Scalar const&, c10::Scalar const&)
at::native::(anonymous namespace)::index_select_out_cpu_dim1_(at::Tensor&, at::Tensor const&, long, at::Tensor const&)
c10::impl::wrap_kernel_functor_unboxed_<c10::impl::detail::WrapFunctionIntoFunctor_<c10::CompileTimeFunctionPointer<at::Tensor (c10::DispatchKeySet, at::Tensor const&, long, at::Tensor const&), &torch::autograd::VariableType::(anonymous namespace)::index_select>, at::Tensor, c10::guts::typelist::typelist<c10::DispatchKeySet, at::Tensor const&, long, at::Tensor const&> >, at::Tensor (c10::DispatchKeySet, at::Tensor const&, long, at::Tensor const&)>::call(c10::OperatorKernel*, c10::DispatchKeySet, at::Tensor const&, long, at::Tensor const&)
at::native::structured_cat_out_cpu::impl(c10::IListRef<at::Tensor> const&, long, long, bool, bool, bool, c10::MemoryFormat, at::Tensor const&)
at::internal::invoke_parallel(long, long, long, std::function<void (long, long)> const&)
`),
    leaves: functions(`
mkl_blas_avx512_sgemm_kernel_0
at::native::AVX512::vectorized_loop2d
dnnl::impl::cpu::x64::jit_generator::operator()
at::TensorIteratorBase::for_each(c10::function_ref<void (char**, long const*, long, long)>, long) | x
c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reset_() | i
`),
  },
  // libuv's event loop.
  {
    key: "uvloop",
    path: "uvloop/loop",
    maker: "package",
    binding: "cython",
    mangled: "6uvloop_4loop",
    sources: ["uvloop/loop.c", "src/unix/core.c"],
    versions: 3,
    usedBy: ["harbor/common/http"],
    entries: functions(`
run_until_complete
call_soon
create_server
`),
    middles: functions(`
__pyx_f_6uvloop_4loop_4Loop__run | s
__pyx_f_6uvloop_4loop___uv_stream_on_read | s
__pyx_f_6uvloop_4loop_8UVHandle__close | s
uv_run | x
uv__io_poll
uv__stream_io | s
`),
    leaves: functions(`
uv__run_timers
uv__read | s
heap_remove | i
__pyx_f_6uvloop_4loop_6Handle__run | s
`),
  },
  // Apache Arrow.
  {
    key: "arrow",
    path: "pyarrow/libarrow.so.@00",
    maker: "package",
    binding: "pyarrow",
    isLibrary: true,
    numbers: ["12", "14", "15"],
    large: true,
    sources: ["cpp/src/arrow/array/builder_binary.cc", "cpp/src/arrow/compute/exec.cc"],
    versions: 3,
    usedBy: ["harbor/storage/parquet", "harbor/reports"],
    entries: functions(`
arrow::Table::CombineChunks(arrow::MemoryPool*) const | x
arrow::compute::CallFunction(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&, std::vector<arrow::Datum, std::allocator<arrow::Datum> > const&, arrow::compute::ExecContext*) | x
parquet::arrow::FileReader::ReadTable(std::shared_ptr<arrow::Table>*) | x
`),
    middles: functions(`
arrow::internal::(anonymous namespace)::ConcatenateImpl::Concatenate(std::shared_ptr<arrow::ArrayData>*)
arrow::compute::internal::(anonymous namespace)::TakeImpl<arrow::Int64Type>(arrow::compute::KernelContext*)
parquet::internal::(anonymous namespace)::TypedRecordReader<parquet::PhysicalType<(parquet::Type::type)6> >::ReadRecords(long)
arrow::internal::ThreadPool::SpawnReal(arrow::internal::TaskHints, arrow::internal::FnOnce<void ()>, arrow::StopToken, arrow::internal::FnOnce<void (arrow::Status const&)>&&)
arrow::Buffer::ViewOrCopy(std::shared_ptr<arrow::Buffer>, std::shared_ptr<arrow::MemoryManager> const&) | x
`),
    leaves: functions(`
arrow::bit_util::GetBit(unsigned char const*, long) | i
arrow::BaseBinaryBuilder<arrow::BinaryType>::Append(unsigned char const*, int)
std::_Sp_counted_base<(__gnu_cxx::_Lock_policy)2>::_M_release() | i
je_arrow_private_je_arena_dalloc_promoted
`),
  },
];
