using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Interop.Zstd;

/// <summary>
/// A bit stream that is read from its end to its start. Its last byte's highest set bit only marks where the bits begin.
/// Reads past the start give zeroes and leave <see cref="Left"/> negative: the caller looks at it when the loop is done.
/// </summary>
internal ref struct BackwardBits
{
    private readonly ReadOnlySpan<byte> _data;

    internal BackwardBits(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty || data[^1] == 0)
        {
            throw ZstdManaged.Corrupt();
        }

        _data = data;
        Left = ((data.Length - 1) * 8) + BitOperations.Log2(data[^1]);
    }

    /// <summary>Bits not yet read; negative by how many were read past the start.</summary>
    internal int Left { get; private set; }

    /// <summary>The next bits, at most 32, without taking them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly uint Peek(int count)
    {
        int start = Left - count;
        int offset = start >> 3;
        return (uint)offset <= (uint)(_data.Length - sizeof(ulong)) && _data.Length >= sizeof(ulong)
            ? (uint)((Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(_data), offset)) >> (start & 7)) & ((1UL << count) - 1))
            : PeekAtAnEnd(start, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Skip(int count) => Left -= count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal uint Read(int count)
    {
        uint value = Peek(count);
        Left -= count;
        return value;
    }

    private readonly uint PeekAtAnEnd(int start, int count)
    {
        uint value = 0;
        for (int bit = Math.Max(start, 0); bit < start + count; bit++)
        {
            value |= ((uint)_data[bit >> 3] >> (bit & 7) & 1) << (bit - start);
        }

        return value;
    }
}
