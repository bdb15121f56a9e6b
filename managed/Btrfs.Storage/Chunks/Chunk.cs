using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>One device's share of a chunk: which device, and where on it the share begins (bytes).</summary>
public readonly record struct ChunkStripe(ulong DeviceId, ulong Offset, Uuid DeviceUuid);

/// <summary>A range of the logical address space and how it lies on devices.</summary>
public sealed class Chunk
{
    private readonly ChunkStripe[] _stripes;

    private Chunk(LogicalAddress start, in ChunkItem item, ChunkStripe[] stripes)
    {
        Start = start;
        Length = item.Length;
        Type = item.Type;
        SubStripes = item.SubStripes;
        _stripes = stripes;
    }

    public LogicalAddress Start { get; }

    /// <summary>Bytes of the logical address space.</summary>
    public ulong Length { get; }

    public LogicalAddress End => Start + Length;

    public BlockGroupFlags Type { get; }

    /// <summary>Copies of each stripe in raid10; 0 or 1 elsewhere.</summary>
    public int SubStripes { get; }

    public ReadOnlySpan<ChunkStripe> Stripes => _stripes;

    /// <summary>Stripes of a full stripe that hold parity: 1 for raid5, 2 for raid6.</summary>
    public int ParityCount => (Type & BlockGroupFlags.Raid6) != 0 ? 2 : (Type & BlockGroupFlags.Raid5) != 0 ? 1 : 0;

    /// <summary>How many numbers a mirror may have, from 1. A raid6 counts one for each stripe, as the kernel does.</summary>
    public int MirrorCount => (Type & BlockGroupFlags.ProfileMask) switch
    {
        BlockGroupFlags.Dup or BlockGroupFlags.Raid1 or BlockGroupFlags.Raid1C3 or BlockGroupFlags.Raid1C4 => _stripes.Length,
        BlockGroupFlags.Raid10 => SubStripes,
        BlockGroupFlags.Raid5 => 2,
        BlockGroupFlags.Raid6 => _stripes.Length,
        _ => 1,
    };

    public bool Contains(LogicalAddress address) => address - Start < Length;

    /// <param name="start">The offset of the chunk's key.</param>
    /// <param name="data">The item and its stripes, as <see cref="ChunkCheck"/> lets them pass, which bears out all that is mapped with it.</param>
    public static Chunk Parse(LogicalAddress start, ReadOnlySpan<byte> data)
    {
        ref readonly ChunkItem item = ref MemoryMarshal.AsRef<ChunkItem>(data);
        Invariant.That(data.Length == ChunkCheck.SizeOf(item));
        ReadOnlySpan<StripeItem> onDisk = MemoryMarshal.Cast<byte, StripeItem>(data[ChunkItem.Size..]);
        ChunkStripe[] stripes = new ChunkStripe[onDisk.Length];
        for (int i = 0; i < stripes.Length; i++)
            stripes[i] = new ChunkStripe(onDisk[i].DeviceId, onDisk[i].Offset, onDisk[i].DeviceUuid);

        return new Chunk(start, item, stripes);
    }

    internal bool SameAs(Chunk other) =>
        Start == other.Start && Length == other.Length && Type == other.Type && SubStripes == other.SubStripes
        && _stripes.AsSpan().SequenceEqual(other._stripes);
}
