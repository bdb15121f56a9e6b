using System.Globalization;

namespace Btrfs.Format;

/// <summary>A byte address in the one address space that chunks map to devices: what btrfs calls bytenr.</summary>
public readonly record struct LogicalAddress(ulong Value) : IComparable<LogicalAddress>
{
    public int CompareTo(LogicalAddress other) => Value.CompareTo(other.Value);

    public static LogicalAddress operator +(LogicalAddress address, ulong bytes) => new(address.Value + bytes);

    public static ulong operator -(LogicalAddress left, LogicalAddress right) => left.Value - right.Value;

    public static bool operator <(LogicalAddress left, LogicalAddress right) => left.Value < right.Value;

    public static bool operator >(LogicalAddress left, LogicalAddress right) => left.Value > right.Value;

    public static bool operator <=(LogicalAddress left, LogicalAddress right) => left.Value <= right.Value;

    public static bool operator >=(LogicalAddress left, LogicalAddress right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A byte offset on one device.</summary>
public readonly record struct PhysicalAddress(ulong DeviceId, ulong Offset)
{
    public override string ToString() => $"devid {DeviceId} offset {Offset}";
}
