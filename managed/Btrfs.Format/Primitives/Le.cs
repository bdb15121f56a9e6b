using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>A 16-bit little-endian number as it lies on the disk, at any alignment.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct Le16(ushort value)
{
    private readonly ushort _raw = BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);

    public ushort Value => BitConverter.IsLittleEndian ? _raw : BinaryPrimitives.ReverseEndianness(_raw);

    public static implicit operator ushort(Le16 number) => number.Value;

    public static implicit operator Le16(ushort value) => new(value);

    public override string ToString() => Value.ToString();
}

/// <summary>A 32-bit little-endian number as it lies on the disk, at any alignment.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct Le32(uint value)
{
    private readonly uint _raw = BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);

    public uint Value => BitConverter.IsLittleEndian ? _raw : BinaryPrimitives.ReverseEndianness(_raw);

    public static implicit operator uint(Le32 number) => number.Value;

    public static implicit operator Le32(uint value) => new(value);

    public override string ToString() => Value.ToString();
}

/// <summary>A 64-bit little-endian number as it lies on the disk, at any alignment.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct Le64(ulong value)
{
    private readonly ulong _raw = BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);

    public ulong Value => BitConverter.IsLittleEndian ? _raw : BinaryPrimitives.ReverseEndianness(_raw);

    public static implicit operator ulong(Le64 number) => number.Value;

    public static implicit operator Le64(ulong value) => new(value);

    public override string ToString() => Value.ToString();
}
