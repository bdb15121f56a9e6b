using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>
/// Records laid over bytes, without a copy. The base library's own casts do the same, but over types of ours they can't be compiled ahead of time: each is compiled when it is first
/// called, badly at first, and a command of a tenth of a second is over before that gets better. These become a comparison and an addition wherever they stand.
/// </summary>
public static class Overlay
{
    /// <summary>The record at an offset.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bytes end before it does.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref readonly T At<T>(ReadOnlySpan<byte> bytes, int offset = 0)
        where T : unmanaged
    {
        if ((uint)offset > (uint)bytes.Length || bytes.Length - offset < Unsafe.SizeOf<T>())
            ThrowTooShort(bytes.Length, offset);
        return ref Unsafe.As<byte, T>(ref Unsafe.Add(ref MemoryMarshal.GetReference(bytes), offset));
    }

    [DoesNotReturn]
    private static void ThrowTooShort(int length, int offset) =>
        throw new ArgumentOutOfRangeException(nameof(offset), offset, $"a record reaches behind the end of {length} bytes");
}
