using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>The checksum algorithms by their number in the superblock.</summary>
public static class Checksums
{
    private static readonly Crc32CChecksum s_crc32C = new();
    private static readonly XxHash64Checksum s_xxHash64 = new();
    private static readonly Sha256Checksum s_sha256 = new();
    private static readonly Blake2b256Checksum s_blake2b256 = new();

    /// <exception cref="UnsupportedFeatureException">The number names no algorithm.</exception>
    public static IChecksum For(ChecksumType type) => type switch
    {
        ChecksumType.Crc32C => s_crc32C,
        ChecksumType.XxHash64 => s_xxHash64,
        ChecksumType.Sha256 => s_sha256,
        ChecksumType.Blake2b256 => s_blake2b256,
        _ => throw new UnsupportedFeatureException($"unsupported checksum type {(ushort)type}"),
    };

    /// <summary>A checksum for a message: 0x and the bytes in disk order.</summary>
    public static string Format(ReadOnlySpan<byte> checksum) => $"0x{Convert.ToHexStringLower(checksum)}";

    /// <summary>Whether a block or superblock begins with the checksum of the rest.</summary>
    /// <param name="checksum">The file system's algorithm.</param>
    /// <param name="block">The checksum field of 32 bytes, and what it covers.</param>
    /// <param name="mismatch">The two values, for a message.</param>
    public static bool VerifyBlock(IChecksum checksum, ReadOnlySpan<byte> block, out string? mismatch)
    {
        Span<byte> computed = stackalloc byte[FormatLimits.ChecksumFieldSize];
        computed = computed[..checksum.Size];
        checksum.Compute(block[FormatLimits.ChecksumFieldSize..], computed);
        ReadOnlySpan<byte> stored = block[..checksum.Size];
        mismatch = computed.SequenceEqual(stored) ? null : $"checksum mismatch, have {Format(computed)} expect {Format(stored)}";
        return mismatch is null;
    }

    /// <summary>Makes a block or superblock begin with the checksum of the rest. What the algorithm leaves of the field becomes zero.</summary>
    /// <param name="checksum">The file system's algorithm.</param>
    /// <param name="block">The checksum field of 32 bytes, and what it covers.</param>
    public static void SealBlock(IChecksum checksum, Span<byte> block)
    {
        Span<byte> field = block[..FormatLimits.ChecksumFieldSize];
        field.Clear();
        checksum.Compute(block[FormatLimits.ChecksumFieldSize..], field);
    }

    private sealed class Crc32CChecksum : BatchedChecksum
    {
        public override ChecksumType Type => ChecksumType.Crc32C;

        public override void Compute(ReadOnlySpan<byte> data, Span<byte> destination) =>
            BinaryPrimitives.WriteUInt32LittleEndian(destination, Crc32C.Hash(data));

        protected override void ComputeBatch(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) =>
            Crc32C.HashSectors(data, sectorSize, MemoryMarshal.Cast<byte, uint>(sums));
    }

    private sealed class XxHash64Checksum : BatchedChecksum
    {
        public override ChecksumType Type => ChecksumType.XxHash64;

        public override void Compute(ReadOnlySpan<byte> data, Span<byte> destination) => XxHash64.Hash(data, destination[..Size]);

        protected override void ComputeBatch(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) => XxHash64.HashSectors(data, sectorSize, sums);
    }

    private sealed class Sha256Checksum : BatchedChecksum
    {
        public override ChecksumType Type => ChecksumType.Sha256;

        public override void Compute(ReadOnlySpan<byte> data, Span<byte> destination) => Sha256.Hash(data, destination[..Size]);

        protected override void ComputeBatch(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) => Sha256.HashSectors(data, sectorSize, sums);
    }

    private sealed class Blake2b256Checksum : BatchedChecksum
    {
        public override ChecksumType Type => ChecksumType.Blake2b256;

        public override void Compute(ReadOnlySpan<byte> data, Span<byte> destination) => Blake2b256.Hash(data, destination[..Size]);

        protected override void ComputeBatch(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) => Blake2b256.HashSectors(data, sectorSize, sums);
    }
}
