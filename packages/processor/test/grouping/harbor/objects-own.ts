/** The extensions that the fleet builds itself: every release may change them. */
import { functions, type ObjectSpec } from "./object-spec.ts";

export const ownObjects: readonly ObjectSpec[] = [
  // Geometry of the fleet itself: C++ by way of pybind11.
  {
    key: "geocore",
    path: "harbor_geo/_geocore",
    maker: "own",
    binding: "pybind",
    sources: ["src/ops.cc", "src/rtree.hpp", "src/ring.cc"],
    wrapper: {
      file: "SP/harbor_geo/ops.py",
      names: ["simplify", "buffer", "union_all", "nearest", "contains", "tile_cover", "from_wkb"],
    },
    usedBy: ["harbor/geo/"],
    entries: functions(`
hgeo::py::simplify(pybind11::array_t<double, 16>, double)
hgeo::py::buffer(pybind11::array_t<double, 16>, double, int)
hgeo::py::union_all(std::vector<hgeo::Polygon, std::allocator<hgeo::Polygon> > const&)
hgeo::py::nearest(hgeo::Index const&, double, double, int)
hgeo::py::contains(hgeo::Polygon const&, pybind11::array_t<double, 16>)
hgeo::py::tile_cover(hgeo::Polygon const&, int)
hgeo::py::from_wkb(pybind11::bytes)
`),
    middles: functions(`
hgeo::RTree<hgeo::Box>::insert(hgeo::Box const&, unsigned int)
hgeo::RTree<hgeo::Box>::split_node(hgeo::RTree<hgeo::Box>::Node*)
hgeo::RTree<hgeo::Box>::query(hgeo::Box const&) const
hgeo::Ring::orient()
hgeo::clip_ring(hgeo::Ring const&, hgeo::Box const&)
hgeo::Polygon::normalize(bool)
void hgeo::sweep<double>(std::vector<hgeo::Event, std::allocator<hgeo::Event> >&)
hgeo::detail::merge_edges(hgeo::EdgeList&, double)
hgeo::tile_cover(hgeo::Polygon const&, int)::{lambda(hgeo::Tile const&)#1}::operator()(hgeo::Tile const&) const | i
void hgeo::simplify_dp<hgeo::Point2d>(hgeo::Point2d const*, unsigned long, double, std::vector<bool, std::allocator<bool> >&)
hgeo::WkbReader::read_polygon()
`),
    leaves: functions(`
hgeo::orient2d(hgeo::Point2d const&, hgeo::Point2d const&, hgeo::Point2d const&) | i
hgeo::EdgeList::at(unsigned int) const | i
hgeo::Box::expand(hgeo::Point2d const&) | i
hgeo::WkbReader::read_u32()
hgeo::Ring::push_back(hgeo::Point2d const&)
std::vector<hgeo::Point2d, std::allocator<hgeo::Point2d> >::operator[](unsigned long) | i
`),
  },
  // Bookkeeping of the fleet itself: plain C over a memory-mapped journal.
  {
    key: "ledger",
    path: "harbor_ledger/_ledger",
    maker: "own",
    binding: "c",
    sources: ["ledger/post.c", "ledger/journal.c", "ledger/module.c"],
    wrapper: {
      file: "SP/harbor_ledger/__init__.py",
      names: ["post", "rollup", "balance", "load_journal", "snapshot", "compact"],
    },
    usedBy: ["harbor/ledger/"],
    entries: functions(`
py_post | s
py_rollup | s
py_balance | s
py_load_journal | s
py_snapshot | s
py_compact | s
`),
    middles: functions(`
ledger_post_batch | x
ledger_rollup | x
journal_read_page | x
journal_map | x
posting_apply | s
account_tree_rebalance | s
account_find | s
snapshot_write_block | s
journal_verify_crc | s
`),
    leaves: functions(`
account_node_next | i
amount_add_checked | i
page_slot
arena_alloc | s
varint_decode | i
posting_free | s
`),
  },
  // Feature hashing of the fleet itself: Cython.
  {
    key: "feathash",
    path: "harbor_features/_hashing",
    maker: "own",
    binding: "cython",
    mangled: "15harbor_features_8_hashing",
    sources: ["harbor_features/_hashing.c"],
    wrapper: {
      file: "SP/harbor_features/rows.py",
      names: ["hash_rows", "bucketize", "fill_window", "count_terms", "merge_sparse"],
    },
    usedBy: ["harbor/features/", "harbor/search/tokens"],
    entries: functions(`
hash_rows
bucketize
fill_window
count_terms
merge_sparse
`),
    middles: functions(`
__pyx_f_15harbor_features_8_hashing_murmur_block | s
__pyx_f_15harbor_features_8_hashing_push_term | s
__pyx_f_15harbor_features_8_hashing_RingBuffer_advance | s
__pyx_f_15harbor_features_8_hashing_search_edges | s
__pyx_f_15harbor_features_8_hashing_grow_table | s
`),
    leaves: functions(`
__Pyx_GetItemInt_Fast | s
__Pyx_BufFmt_CheckString | s
__Pyx_ValidateAndInit_memviewslice | s
__pyx_f_15harbor_features_8_hashing_slot_for | i
`),
  },
  // Tokenizer of the fleet itself: Rust, one build for all Pythons.
  {
    key: "tok",
    path: "harbor_tok/harbor_tok",
    maker: "own",
    binding: "rust",
    stableAbi: true,
    sources: ["src/lib.rs", "src/bpe.rs", "src/trie.rs"],
    wrapper: {
      file: "SP/harbor_tok/__init__.py",
      names: ["encode", "encode_batch", "decode", "train", "load"],
    },
    usedBy: ["harbor/search/", "harbor/ml/embed"],
    entries: functions(`
harbor_tok::Tokenizer::__pymethod_encode__
harbor_tok::Tokenizer::__pymethod_encode_batch__
harbor_tok::Tokenizer::__pymethod_decode__
harbor_tok::__pyfunction_train
harbor_tok::__pyfunction_load
`),
    middles: functions(`
harbor_tok::bpe::Bpe::merge_pairs
harbor_tok::bpe::Bpe::encode_word
harbor_tok::trie::Trie::longest_match
harbor_tok::trie::Builder::freeze
<harbor_tok::vocab::Vocab as core::convert::From<harbor_tok::vocab::RawVocab>>::from
harbor_tok::bpe::train::count_pairs
rayon::iter::plumbing::bridge_producer_consumer::helper
`),
    leaves: functions(`
hashbrown::raw::RawTable<T,A>::reserve_rehash
harbor_tok::trie::Node::child | i
alloc::vec::Vec<T,A>::extend_from_slice | i
harbor_tok::normalize::strip_accents
core::str::converts::from_utf8
`),
  },
  // Computer vision of the fleet itself: C++ by way of pybind11.
  {
    key: "visnat",
    path: "harbor_vision/_native",
    maker: "own",
    binding: "pybind",
    sources: ["native/measure.cpp", "native/barcode.cpp", "native/frame.h"],
    wrapper: {
      file: "SP/harbor_vision/api.py",
      names: ["measure", "find_edges", "decode_codes", "undistort", "pack_tensor", "open_stream"],
    },
    usedBy: ["harbor/vision/"],
    entries: functions(`
hv::bind::measure(hv::FrameView const&, hv::Params const&)
hv::bind::find_edges(hv::FrameView const&, float)
hv::bind::decode_codes(hv::FrameView const&)
hv::bind::undistort(hv::FrameView const&, hv::Lens const&)
hv::bind::pack_tensor(std::vector<hv::FrameView, std::allocator<hv::FrameView> > const&)
hv::bind::open_stream(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)
`),
    middles: functions(`
hv::EdgeMap::trace(hv::Point)
hv::BarcodeReader::scan_line(unsigned char const*, int)
hv::BarcodeReader::decode_ean13(hv::Runs const&)
hv::Remap<unsigned char>::apply(hv::FrameView const&, hv::Frame&) const
hv::Remap<float>::apply(hv::FrameView const&, hv::Frame&) const
hv::fit_plane(std::vector<hv::Point3, std::allocator<hv::Point3> > const&)
hv::FramePool::release(hv::Frame*)
hv::FramePool::acquire(int, int)
hv::parallel_rows(int, std::function<void (int, int)> const&)
hv::convolve<3>(hv::FrameView const&, float const*)::{lambda(int, int)#1}::operator()(int, int) const | i
`),
    leaves: functions(`
hv::FrameView::at(int, int) const | i
hv::bilinear(unsigned char const*, int, float, float) | i
hv::Runs::push(int) | i
hv::Frame::~Frame()
hv::BitMatrix::get(int, int) const | i
`),
  },
];
