using Btrfs.Format;
using Btrfs.Inode.Data;
using Btrfs.Stream;

namespace Btrfs.Send.Data;

/// <summary>
/// WRITE commands of one range that stand in the writer's buffer and whose data is still being read into it, on two threads. They must be completed before anything is written that is not
/// one of them, and before the buffer is full.
/// </summary>
internal sealed class PendingWrites(CommandWriter writer, SectorReader sectors)
{
    // What is less is read sooner than a thread is told of it.
    private const int LeastBytes = 128 << 10;

    private readonly List<PendingWrite> _writes = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>One command and its read, kept to be used again.</summary>
    private sealed class PendingWrite
    {
        public SectorRead Read { get; } = new();

        public PendingCommand Command { get; set; }

        public ulong Offset { get; set; }
    }

    /// <summary>Ends the open command, whose data has been reserved, and begins to read it. False where that is not possible or not worth it.</summary>
    /// <param name="address">Where the data lies.</param>
    /// <param name="offset">Where it lies in the file.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="following">How many bytes of the range are behind it.</param>
    /// <param name="hasChecksums">False for an inode without checksums.</param>
    public bool TryBegin(LogicalAddress address, ulong offset, int length, ulong following, bool hasChecksums)
    {
        bool isLarge = Count > 0 || (ulong)length + following >= LeastBytes;
        if (writer.IsCounting || !isLarge || address.Value % (ulong)sectors.SectorSize != 0 || length % sectors.SectorSize != 0)
            return false;

        if (Count == _writes.Count)
            _writes.Add(new PendingWrite());
        PendingWrite write = _writes[Count++];
        write.Command = writer.EndPending();
        write.Offset = offset;
        write.Read.Start = address;
        write.Read.Destination = writer.DataOf(write.Command);
        write.Read.HasChecksums = hasChecksums;
        sectors.Begin(write.Read);
        return true;
    }

    /// <summary>Waits for the data of one of them; false where it could not be read.</summary>
    public bool TryFinish(int index) => sectors.Finish(_writes[index].Read) is SectorReadState.Good or SectorReadState.Repaired;

    /// <summary>Where the data of one lies in its file.</summary>
    public ulong OffsetOf(int index) => _writes[index].Offset;

    /// <summary>What the data of one is to be read into.</summary>
    public Span<byte> DataOf(int index) => _writes[index].Read.Destination.Span;

    /// <summary>Completes all, with their data in place.</summary>
    public void Complete()
    {
        foreach (PendingWrite write in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_writes)[..Count])
            writer.Complete(write.Command, sectors.Register(write.Read, 0, write.Read.Destination.Length));
        Count = 0;
    }
}
