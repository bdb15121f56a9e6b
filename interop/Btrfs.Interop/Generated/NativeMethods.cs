using System;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Btrfs.Interop
{
    [NativeTypeName("unsigned int")]
    public enum btrn_crc32c_path : uint
    {
        BTRN_CRC32C_AUTO = 0,
        BTRN_CRC32C_PORTABLE = 1,
        BTRN_CRC32C_SSE42 = 2,
        BTRN_CRC32C_AVX512 = 3,
    }

    [NativeTypeName("unsigned int")]
    public enum btrn_open_flags : uint
    {
        BTRN_OPEN_READ = 0,
        BTRN_OPEN_WRITE = 1,
        BTRN_OPEN_DIRECT = 2,
        BTRN_OPEN_EXCLUSIVE = 4,
    }

    [NativeTypeName("unsigned int")]
    public enum btrn_file_kind : uint
    {
        BTRN_FILE_REGULAR = 1,
        BTRN_FILE_BLOCK_DEVICE = 2,
    }

    public partial struct btrn_file_info
    {
        [NativeTypeName("uint64_t")]
        public ulong size_bytes;

        public btrn_file_kind kind;

        [NativeTypeName("uint32_t")]
        public uint direct_alignment_bytes;
    }

    public unsafe partial struct btrn_part
    {
        [NativeTypeName("uint8_t *")]
        public byte* data;

        [NativeTypeName("uint64_t")]
        public ulong length;
    }

    [NativeTypeName("unsigned int")]
    public enum btrn_sink_kind : uint
    {
        BTRN_SINK_OTHER = 0,
        BTRN_SINK_PIPE = 1,
        BTRN_SINK_STREAM = 2,
        BTRN_SINK_NOWHERE = 3,
    }

    public partial struct btrn_ring
    {
    }

    [NativeTypeName("unsigned int")]
    public enum btrn_ring_mode : uint
    {
        BTRN_RING_IO_URING = 1,
        BTRN_RING_PREAD = 2,
    }

    public unsafe partial struct btrn_read
    {
        [NativeTypeName("uint64_t")]
        public ulong offset;

        [NativeTypeName("uint8_t *")]
        public byte* buffer;

        [NativeTypeName("int64_t")]
        public long result;

        [NativeTypeName("uint32_t")]
        public uint length;

        [NativeTypeName("int32_t")]
        public int fd;
    }

    public partial struct btrn_decoder
    {
    }

    public partial struct btrn_encoder
    {
    }

    public static unsafe partial class NativeMethods
    {
        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("uint64_t")]
        public static extern ulong btrn_abi_fingerprint();

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("uint32_t")]
        public static extern uint btrn_crc32c([NativeTypeName("uint32_t")] uint state, [NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_crc32c_on_path(btrn_crc32c_path path, [NativeTypeName("uint32_t")] uint state, [NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong length, [NativeTypeName("uint32_t *")] uint* result);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("uint32_t")]
        public static extern uint btrn_crc32c_combine([NativeTypeName("uint32_t")] uint crc_a, [NativeTypeName("uint32_t")] uint crc_b, [NativeTypeName("uint64_t")] ulong length_b);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_crc32c_sectors([NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint32_t")] uint sector_size, [NativeTypeName("uint64_t")] ulong count, [NativeTypeName("uint32_t *")] uint* results);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_xxhash64_sectors([NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong sector_size, [NativeTypeName("uint64_t")] ulong count, [NativeTypeName("uint64_t *")] ulong* results);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_sha256_sectors([NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong sector_size, [NativeTypeName("uint64_t")] ulong count, [NativeTypeName("uint8_t *")] byte* results);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_blake2b256_sectors([NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong sector_size, [NativeTypeName("uint64_t")] ulong count, [NativeTypeName("uint8_t *")] byte* results);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_sha256_portable([NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong length, [NativeTypeName("uint8_t *")] byte* result);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_open([NativeTypeName("const uint8_t *")] byte* path, [NativeTypeName("uint32_t")] uint flags);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_close([NativeTypeName("int32_t")] int fd);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_file_info_get([NativeTypeName("int32_t")] int fd, btrn_file_info* info);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pread([NativeTypeName("int32_t")] int fd, [NativeTypeName("uint8_t *")] byte* buffer, [NativeTypeName("uint64_t")] ulong length, [NativeTypeName("uint64_t")] ulong offset);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pwrite([NativeTypeName("int32_t")] int fd, [NativeTypeName("const uint8_t *")] byte* buffer, [NativeTypeName("uint64_t")] ulong length, [NativeTypeName("uint64_t")] ulong offset);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pwritev([NativeTypeName("int32_t")] int fd, btrn_part* parts, [NativeTypeName("uint32_t")] uint count, [NativeTypeName("uint64_t")] ulong offset);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_fsync([NativeTypeName("int32_t")] int fd);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_discard([NativeTypeName("int32_t")] int fd, [NativeTypeName("uint64_t")] ulong offset, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_read_ahead([NativeTypeName("int32_t")] int fd, [NativeTypeName("uint64_t")] ulong offset, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_flush_device_cache([NativeTypeName("int32_t")] int fd);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_sink_prepare([NativeTypeName("int32_t")] int fd);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_pipe_create([NativeTypeName("int32_t *")] int* read_end, [NativeTypeName("int32_t *")] int* write_end);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pipe_write([NativeTypeName("int32_t")] int fd, [NativeTypeName("const uint8_t *")] byte* data, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pipe_read([NativeTypeName("int32_t")] int fd, [NativeTypeName("uint8_t *")] byte* buffer, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_sink_move([NativeTypeName("int32_t")] int fd, btrn_sink_kind kind, [NativeTypeName("int32_t")] int source, [NativeTypeName("uint64_t")] ulong offset, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pipe_forward([NativeTypeName("int32_t")] int source, [NativeTypeName("int32_t")] int fd, [NativeTypeName("uint64_t")] ulong length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_pipe_unread([NativeTypeName("int32_t")] int fd);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_ring_create([NativeTypeName("uint32_t")] uint depth, btrn_ring_mode mode, btrn_ring** ring);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_ring_read(btrn_ring* ring, btrn_read* reads, [NativeTypeName("uint32_t")] uint count);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_ring_destroy(btrn_ring* ring);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_decoder_create(btrn_decoder** decoder);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_decoder_destroy(btrn_decoder* decoder);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_zlib_decompress(btrn_decoder* decoder, [NativeTypeName("const uint8_t *")] byte* source, [NativeTypeName("uint64_t")] ulong source_length, [NativeTypeName("uint8_t *")] byte* destination, [NativeTypeName("uint64_t")] ulong destination_length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_zstd_decompress(btrn_decoder* decoder, [NativeTypeName("const uint8_t *")] byte* source, [NativeTypeName("uint64_t")] ulong source_length, [NativeTypeName("uint8_t *")] byte* destination, [NativeTypeName("uint64_t")] ulong destination_length, [NativeTypeName("uint32_t")] uint window_log_max);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int32_t")]
        public static extern int btrn_encoder_create(btrn_encoder** encoder);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern void btrn_encoder_destroy(btrn_encoder* encoder);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_zlib_compress(btrn_encoder* encoder, [NativeTypeName("int32_t")] int level, [NativeTypeName("const uint8_t *")] byte* source, [NativeTypeName("uint64_t")] ulong source_length, [NativeTypeName("uint8_t *")] byte* destination, [NativeTypeName("uint64_t")] ulong destination_length);

        [DllImport("btrfs_native", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        [return: NativeTypeName("int64_t")]
        public static extern long btrn_zstd_compress(btrn_encoder* encoder, [NativeTypeName("int32_t")] int level, [NativeTypeName("const uint8_t *")] byte* source, [NativeTypeName("uint64_t")] ulong source_length, [NativeTypeName("uint8_t *")] byte* destination, [NativeTypeName("uint64_t")] ulong destination_length);
    }

    /// <summary>Defines the type of a member as it was used in the native signature.</summary>
    [AttributeUsage(AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter | AttributeTargets.ReturnValue, AllowMultiple = false, Inherited = true)]
    [Conditional("DEBUG")]
    internal sealed partial class NativeTypeNameAttribute : Attribute
    {
        private readonly string _name;

        /// <summary>Initializes a new instance of the <see cref="NativeTypeNameAttribute" /> class.</summary>
        /// <param name="name">The name of the type that was used in the native signature.</param>
        public NativeTypeNameAttribute(string name)
        {
            _name = name;
        }

        /// <summary>Gets the name of the type that was used in the native signature.</summary>
        public string Name => _name;
    }
}
