using Btrfs.Interop;

namespace Btrfs.Receive;

/// <summary>Compares paths byte by byte, and lets a dictionary be asked with a span.</summary>
internal sealed class PathComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static PathComparer Instance { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => unchecked((int)Crc32C.Update(0, alternate));

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
