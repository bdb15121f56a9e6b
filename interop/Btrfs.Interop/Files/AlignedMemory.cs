using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Interop;

/// <summary>Buffers for direct transfers and the read ring: aligned, and never moved, so that pinning them costs nothing.</summary>
public static class AlignedMemory
{
    /// <summary>
    /// A zeroed buffer whose address is a multiple of <paramref name="alignmentBytes"/>, a power of two. It belongs to the garbage collector like any
    /// array; make it once and reuse it.
    /// </summary>
    public static unsafe Memory<byte> Allocate(int sizeBytes, int alignmentBytes = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        if (alignmentBytes <= 0 || (alignmentBytes & (alignmentBytes - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(alignmentBytes), alignmentBytes, "an alignment is a power of two");
        }

        byte[] array = GC.AllocateArray<byte>(checked(sizeBytes + alignmentBytes), pinned: true);
        ulong address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        int skip = (int)(((ulong)alignmentBytes - (address % (ulong)alignmentBytes)) % (ulong)alignmentBytes);
        return MemoryMarshal.CreateFromPinnedArray(array, skip, sizeBytes);
    }
}
