using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>
/// Sixteen bytes in disk order. Not <see cref="Guid"/>: that one swaps its first three fields on little-endian machines,
/// and the file system compares, prints and sends UUIDs as plain bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct Uuid : IEquatable<Uuid>
{
    private readonly ulong _first;
    private readonly ulong _second;

    public const int Size = 16;

    /// <exception cref="ArgumentException">The span is not 16 bytes long.</exception>
    public Uuid(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"a uuid has {Size} bytes, not {bytes.Length}", nameof(bytes));

        this = Overlay.At<Uuid>(bytes);
    }

    public bool IsZero => _first == 0 && _second == 0;

    public void CopyTo(Span<byte> destination) => MemoryMarshal.Write(destination, this);

    /// <summary>The UUID tree keys a subvolume by its UUID's two halves, each read as a little-endian number.</summary>
    public Key ToKey(ItemType type) => new(ReadHalf(0), type, ReadHalf(8));

    public static Uuid Parse(string text) => new(Convert.FromHexString(text.Replace("-", "", StringComparison.Ordinal)));

    public bool Equals(Uuid other) => _first == other._first && _second == other._second;

    public override bool Equals(object? obj) => obj is Uuid other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_first, _second);

    public static bool operator ==(Uuid left, Uuid right) => left.Equals(right);

    public static bool operator !=(Uuid left, Uuid right) => !left.Equals(right);

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        string hex = Convert.ToHexStringLower(bytes);
        return $"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
    }

    private ulong ReadHalf(int offset)
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Overlay.At<Le64>(bytes[offset..]);
    }
}
