using System.Runtime.InteropServices;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Records and lists out of an item's bytes, whatever their length: not every type's length is checked at the gate.</summary>
internal static class ItemRecord
{
    /// <summary>The record at the head of <paramref name="data"/>; members behind the end of the data are zero.</summary>
    public static T Read<T>(ReadOnlySpan<byte> data)
        where T : unmanaged
    {
        T record = default;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<T>(ref record));
        data[..Math.Min(data.Length, bytes.Length)].CopyTo(bytes);
        return record;
    }

    /// <summary>Takes <paramref name="length"/> bytes off the front, or as many as there are.</summary>
    public static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int length)
    {
        length = Math.Min(length, rest.Length);
        ReadOnlySpan<byte> taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    /// <summary>As much of a name as a C string shows.</summary>
    public static ReadOnlySpan<byte> UpToZero(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return end < 0 ? bytes : bytes[..end];
    }
}
