using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Space.Groups;
using Btrfs.Storage;

namespace Btrfs.Space.Making;

/// <summary>A chunk of a file system that is being made.</summary>
/// <param name="Start">Its logical address.</param>
/// <param name="Type">What it holds, and its profile.</param>
/// <param name="StripeBytes">Bytes of each device's share.</param>
/// <param name="Stripes">Where they are.</param>
internal sealed record PlannedChunk(LogicalAddress Start, BlockGroupFlags Type, ulong StripeBytes, ChunkStripe[] Stripes)
{
    private ProfileRule Rule => ProfileRule.For(Type);

    /// <summary>Bytes of the logical address space.</summary>
    public ulong Length => StripeBytes * (ulong)Rule.DataStripes(Stripes.Length);

    /// <summary>Bytes of a row that parity is over; a write of whole rows needs no reading before.</summary>
    public int RowBytes => Rule.Parity > 0 ? Rule.DataStripes(Stripes.Length) * FormatLimits.StripeLength : FormatLimits.MinNodeSize;

    public Key Key => new(ObjectIds.FirstChunkTree, ItemType.ChunkItem, Start.Value);

    /// <summary>The chunk item with its stripes.</summary>
    public byte[] ToItem(int sectorSize)
    {
        byte[] data = new byte[ChunkItem.Size + Stripes.Length * StripeItem.Size];
        MemoryMarshal.Write(data, new ChunkItem
        {
            Length = Length,
            Owner = ObjectIds.ExtentTree,
            StripeLength = FormatLimits.StripeLength,
            Type = Type,
            IoAlign = FormatLimits.StripeLength,
            IoWidth = FormatLimits.StripeLength,
            SectorSize = (uint)sectorSize,
            StripeCount = (ushort)Stripes.Length,
            SubStripes = (ushort)Rule.SubStripes,
        });
        Span<StripeItem> stripes = MemoryMarshal.Cast<byte, StripeItem>(data.AsSpan(ChunkItem.Size));
        for (int i = 0; i < Stripes.Length; i++)
            stripes[i] = new StripeItem { DeviceId = Stripes[i].DeviceId, Offset = Stripes[i].Offset, DeviceUuid = Stripes[i].DeviceUuid };
        return data;
    }
}
