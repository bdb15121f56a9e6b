using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>The checksum algorithms by their number in the superblock.</summary>
public static class Checksums
{
    /// <exception cref="UnsupportedFeatureException">The number names no algorithm.</exception>
    public static IChecksum For(ChecksumType type) => type switch
    {
        ChecksumType.Crc32C => Crc32CChecksum.Instance,
        ChecksumType.Sha256 => Sha256Checksum.Instance,
        _ => throw new UnsupportedFeatureException($"unsupported checksum type {(ushort)type}"),
    };

    /// <summary>A checksum as the kernel's messages print it: 0x and the bytes in disk order.</summary>
    public static string Format(ReadOnlySpan<byte> checksum) => $"0x{Convert.ToHexStringLower(checksum)}";

    private sealed class Crc32CChecksum : IChecksum
    {
        public static readonly Crc32CChecksum Instance = new();

        public ChecksumType Type => ChecksumType.Crc32C;

        public int Size => sizeof(uint);

        public void Compute(ReadOnlySpan<byte> data, Span<byte> destination)
        {
            uint register = uint.MaxValue;
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(data);
            foreach (ulong word in words)
                register = BitOperations.Crc32C(register, word);
            foreach (byte tail in data[(words.Length * sizeof(ulong))..])
                register = BitOperations.Crc32C(register, tail);
            BinaryPrimitives.WriteUInt32LittleEndian(destination, ~register);
        }

        public void ComputeSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) => SectorLoop.Compute(this, data, sectorSize, sums);

        public bool VerifySectors(ReadOnlySpan<byte> data, int sectorSize, ReadOnlySpan<byte> sums) => SectorLoop.Verify(this, data, sectorSize, sums);
    }

    private sealed class Sha256Checksum : IChecksum
    {
        public static readonly Sha256Checksum Instance = new();

        public ChecksumType Type => ChecksumType.Sha256;

        public int Size => SHA256.HashSizeInBytes;

        public void Compute(ReadOnlySpan<byte> data, Span<byte> destination) => SHA256.HashData(data, destination);

        public void ComputeSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums) => SectorLoop.Compute(this, data, sectorSize, sums);

        public bool VerifySectors(ReadOnlySpan<byte> data, int sectorSize, ReadOnlySpan<byte> sums) => SectorLoop.Verify(this, data, sectorSize, sums);
    }
}
