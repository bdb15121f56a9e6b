using Btrfs.Format;
using Btrfs.Interop;

namespace Btrfs.Storage;

/// <summary>
/// The one logical address space over devices and chunks. Mirrors are numbered from 1 as the kernel numbers them: the copies of
/// single, dup, raid1 and raid10 in stripe order; with parity 1 is the stripe itself, 2 is rebuilt from the others, and on raid6
/// each further number is rebuilt as if one more stripe were lost (first P, then the data stripes from the last on).
/// </summary>
public sealed class LogicalVolume
{
    private readonly Dictionary<ulong, Device> _devices;
    private readonly ParityRebuild _rebuild;
    private readonly WriteFaults _writeFaults = new();
    private readonly StripeWriter _stripes;
    private readonly ParityWriter _parity;

    // Of a device that was not left behind since.
    private volatile IOException? _failedFlush;

    // Whether devices are missing that still have the superblock of the last commit, for all that is known.
    private bool _isAbsenceUntold;

    /// <param name="devices">Those that are here.</param>
    /// <param name="lacksDevices">Whether the file system has more.</param>
    public LogicalVolume(IEnumerable<Device> devices, bool lacksDevices = false)
    {
        _devices = devices.ToDictionary(device => device.Id);
        _isAbsenceUntold = lacksDevices;
        _rebuild = new ParityRebuild(this);
        _stripes = new StripeWriter(this);
        _parity = new ParityWriter(this, _stripes, _rebuild);
    }

    public ChunkMap Chunks { get; } = new();

    /// <summary>The devices that are here, in no order.</summary>
    public IReadOnlyCollection<Device> Devices => _devices.Values;

    /// <summary>Writes that failed on a device and that the other copies, or the parity, made good: sentences, lower case. The first few dozen.</summary>
    public IReadOnlyList<string> WriteFaults => _writeFaults.Kept;

    /// <summary>Whether a device that takes writes has missed some, or one is missing, and the superblocks don't tell of it yet (<see cref="LeaveMissedBehind"/>).</summary>
    public bool HasMissedWrites => _isAbsenceUntold || _devices.Values.Any(static device => device.HasMissedWrites && device.TakesWrites);

    /// <summary>Told of each of <see cref="WriteFaults"/> when it happens.</summary>
    public Action<string>? WriteFaulted
    {
        get => _writeFaults.Added;
        set => _writeFaults.Added = value;
    }

    /// <summary>How many mirror numbers the chunk at an address has.</summary>
    /// <exception cref="CorruptMetadataException">No chunk maps the address.</exception>
    public int MirrorCount(LogicalAddress start) => Chunks.Find(start).MirrorCount;

    /// <summary>Fills <paramref name="buffer"/> from one mirror. Where a later chunk of the range has fewer mirrors its last one serves.</summary>
    /// <exception cref="CorruptMetadataException">No chunk maps a part of the range.</exception>
    /// <exception cref="IOException">A device that the mirror needs is missing or could not be read.</exception>
    public void Read(LogicalAddress start, Span<byte> buffer, int mirror)
    {
        Invariant.That(mirror >= 1);
        while (!buffer.IsEmpty)
        {
            Chunk chunk = Chunks.Find(start);
            StripeRange range = StripeRange.Map(chunk, start, buffer.Length, mirror);
            Span<byte> piece = buffer[..range.Length];
            if (mirror > 1 && chunk.ParityCount > 0)
                _rebuild.Read(chunk, start, piece, Math.Min(mirror, chunk.MirrorCount));
            else
                ReadStripe(chunk, range.Stripe, range.Offset, piece);

            buffer = buffer[range.Length..];
            start += (ulong)range.Length;
        }
    }

    /// <summary>
    /// Moves a range into a sink from where <see cref="PreferredMirror"/> has it, without a look at it. Fewer bytes than asked for where a part has no way there:
    /// rebuilt from parity, on a missing device, or on one that has no pages.
    /// </summary>
    /// <returns>How many bytes went; what they were is for the caller to know.</returns>
    public int MovePages(LogicalAddress start, int length, PageStream sink)
    {
        int moved = 0;
        while (moved < length && Chunks.TryFind(start, out Chunk? chunk))
        {
            int mirror = PreferredMirror(start);
            StripeRange range = StripeRange.Map(chunk, start, length - moved, mirror);
            ref readonly ChunkStripe stripe = ref chunk.Stripes[range.Stripe];
            ulong physical = stripe.Offset + range.Offset;
            if ((mirror > 1 && chunk.ParityCount > 0) || physical < range.Offset || FindDevice(stripe) is not { } device)
                break;

            int done = device.Block.MovePages(physical, range.Length, sink);
            moved += done;
            if (done < range.Length)
                break;
            start += (ulong)done;
        }

        return moved;
    }

    /// <summary>How many of <paramref name="length"/> bytes lie in one piece on one device, and so can be read at once.</summary>
    /// <exception cref="CorruptMetadataException">No chunk maps the address.</exception>
    public int ContiguousLength(LogicalAddress start, int length) => StripeRange.Map(Chunks.Find(start), start, length, 1).Length;

    /// <summary>
    /// The mirror to try first for the piece at an address: the lowest whose device is here and up to date, else the lowest
    /// whose device is here, else 1. Deterministic, so that two runs read the same bytes.
    /// </summary>
    /// <exception cref="CorruptMetadataException">No chunk maps the address.</exception>
    public int PreferredMirror(LogicalAddress start)
    {
        Chunk chunk = Chunks.Find(start);
        int present = 0;
        for (int mirror = 1; mirror <= chunk.MirrorCount; mirror++)
        {
            // What parity gives is as new as the other devices, so it goes before a stripe that is old or not here.
            if (mirror > 1 && chunk.ParityCount > 0)
                return mirror;

            Device? device = FindDevice(chunk.Stripes[StripeRange.Map(chunk, start, 1, mirror).Stripe]);
            if (device is { IsCurrent: true })
                return mirror;
            if (device is not null && present == 0)
                present = mirror;
        }

        return Math.Max(present, 1);
    }

    /// <summary>Asks the devices to have a range ready. Never waits, never fails.</summary>
    public void Prefetch(LogicalAddress start, int length)
    {
        while (length > 0 && Chunks.TryFind(start, out Chunk? chunk))
        {
            int mirror = chunk.ParityCount > 0 ? 1 : PreferredMirror(start);
            StripeRange range = StripeRange.Map(chunk, start, length, mirror);
            ref readonly ChunkStripe stripe = ref chunk.Stripes[range.Stripe];
            FindDevice(stripe)?.Block.Prefetch(stripe.Offset + range.Offset, (ulong)range.Length);
            start += (ulong)range.Length;
            length -= range.Length;
        }
    }

    /// <summary>
    /// Writes a range to all of its copies, or with the parity of its full stripes. Copies on devices that are missing or behind are left out as long as
    /// one of each is written, or no more stripes of a full stripe are lost than its parity can bear. Any number of threads may write ranges that don't overlap.
    /// </summary>
    /// <exception cref="CorruptMetadataException">No chunk maps a part of the range.</exception>
    /// <exception cref="IOException">Too few copies could be written; what is in the range now is anything. The message names a device.</exception>
    public void Write(LogicalAddress start, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            Chunk chunk = Chunks.Find(start);
            int length;
            if (chunk.ParityCount > 0)
            {
                (ulong row, int offset) = FullStripeBuffer.Locate(chunk, start);
                using FullStripeBuffer stripe = new(chunk, row);
                length = stripe.Put(offset, data);
                _parity.Write(stripe);
            }
            else
            {
                length = StripeRange.Map(chunk, start, data.Length, 1).Length;
                _stripes.WriteCopies(chunk, start, data[..length]);
            }

            data = data[length..];
            start += (ulong)length;
        }
    }

    /// <summary>
    /// Writes many pieces at once: neighbours go to a device in one transfer, and the pieces of a full stripe take its parity once.
    /// </summary>
    /// <param name="writes">In the order of their addresses, none overlapping.</param>
    /// <inheritdoc cref="Write(LogicalAddress, ReadOnlySpan{byte})"/>
    public void WriteSorted(ReadOnlySpan<BlockWrite> writes)
    {
        using BatchWriter batch = new(Chunks, _stripes, _parity);
        foreach (ref readonly BlockWrite write in writes)
            batch.Add(write.Start, write.Data);

        batch.Finish();
    }

    /// <summary>Returns when all that was written before is durable on every device that takes writes.</summary>
    /// <exception cref="IOException">
    /// A device could not flush, now or earlier, and some chunk can't bear its loss beside those that are missing. What is lost stays lost, and the host tells of it once.
    /// </exception>
    public void Flush()
    {
        foreach (Device device in _devices.Values)
        {
            if (!device.TakesWrites)
                continue;

            try
            {
                device.Block.Flush();
            }
            catch (IOException fault)
            {
                NoteFailedFlush(device, fault);
            }
        }

        if (_failedFlush is { } failed && FirstLostChunk(static device => device.HasMissedWrites) is { } chunk)
            throw new IOException($"chunk {chunk.Start} may have lost writes: {failed.Message}", failed);
    }

    /// <summary>A hint that nothing in a range is wanted any more. Never fails. Chunks with parity are left as they are: it must stay that of the data.</summary>
    public void Discard(LogicalAddress start, ulong length)
    {
        while (length > 0 && Chunks.TryFind(start, out Chunk? chunk))
        {
            int wanted = (int)Math.Min(length, 1 << 30);
            StripeRange range = StripeRange.Map(chunk, start, wanted, 1);
            for (int mirror = 1; mirror <= chunk.MirrorCount && chunk.ParityCount == 0; mirror++)
            {
                StripeRange copy = StripeRange.Map(chunk, start, wanted, mirror);
                ref readonly ChunkStripe stripe = ref chunk.Stripes[copy.Stripe];
                if (FindDevice(stripe) is { TakesWrites: true } device)
                    DiscardAroundSuperblocks(device, stripe.Offset + copy.Offset, (ulong)copy.Length);
            }

            start += (ulong)range.Length;
            length -= (ulong)range.Length;
        }
    }

    // Chunks lie across the places of superblock copies, which are not theirs to give up.
    private static void DiscardAroundSuperblocks(Device device, ulong offset, ulong length)
    {
        ulong end = offset + length;
        foreach (ulong copy in FormatLimits.SuperblockOffsets)
        {
            if (copy >= end || copy + FormatLimits.SuperblockSize <= offset)
                continue;

            if (copy > offset)
                device.Block.Discard(offset, copy - offset);
            offset = Math.Min(copy + FormatLimits.SuperblockSize, end);
        }

        if (offset < end)
            device.Block.Discard(offset, end - offset);
    }

    /// <summary>Sees to it that every chunk can be written with the devices that take writes: for an opening that means to.</summary>
    /// <exception cref="InvalidRequestException">Too many devices are missing or behind; the message names them.</exception>
    public void VerifyWritable()
    {
        if (FirstLostChunk(static _ => false) is { } chunk)
            throw new InvalidRequestException($"chunk {chunk.Start} can't be written: {_stripes.WhyLost(chunk)}");
    }

    /// <summary>The ids of devices that chunks name and that are not here, in order.</summary>
    public IReadOnlyList<ulong> MissingDevices()
    {
        SortedSet<ulong> missing = [];
        foreach (Chunk chunk in Chunks.Chunks)
        {
            foreach (ChunkStripe stripe in chunk.Stripes)
            {
                if (FindDevice(stripe) is null)
                    missing.Add(stripe.DeviceId);
            }
        }

        return [.. missing];
    }

    /// <exception cref="IOException">The stripe's device is missing or could not be read.</exception>
    internal void ReadStripe(Chunk chunk, int stripeIndex, ulong offset, Span<byte> buffer)
    {
        ref readonly ChunkStripe stripe = ref chunk.Stripes[stripeIndex];
        Device device = FindDevice(stripe)
            ?? throw new IOException($"device {stripe.DeviceId} is missing (chunk {chunk.Start}, stripe {stripeIndex})");
        ulong physical = stripe.Offset + offset;
        if (physical < offset)
            throw new EndOfStreamException($"{device.Block.Name}: stripe {stripeIndex} of chunk {chunk.Start} reaches behind the end of the device");

        device.Block.Read(physical, buffer);
    }

    // A stripe belongs to the device of its id only if the UUID agrees: a replaced device keeps the id and takes a new UUID.
    internal Device? FindDevice(in ChunkStripe stripe) =>
        _devices.TryGetValue(stripe.DeviceId, out Device? device) && device.Uuid == stripe.DeviceUuid ? device : null;

    /// <summary>A superblock failed: what the chunks hold is as it was.</summary>
    internal void NoteWriteFault(Device device, string what) => _writeFaults.Add(device, what);

    /// <summary>A write to a chunk failed, or the flush behind it, and others are to make it good.</summary>
    internal void NoteMissedWrite(Device device, IOException fault)
    {
        device.NoteMissedWrite();
        _writeFaults.Add(device, fault.Message);
    }

    /// <summary>A flush failed: what was written since the one before may be lost, whoever asked for it.</summary>
    internal void NoteFailedFlush(Device device, IOException fault)
    {
        NoteMissedWrite(device, fault);
        _failedFlush = fault;
    }

    /// <summary>Whether every chunk can do without the devices that missed writes.</summary>
    internal bool CanSpareMissed() => FirstLostChunk(static device => device.HasMissedWrites) is null;

    /// <summary>Whether a device may have new chunks: not where the next superblock leaves it behind.</summary>
    public bool TakesChunks(ulong deviceId) =>
        _devices.TryGetValue(deviceId, out Device? device) && device.TakesWrites && !(device.HasMissedWrites && CanSpareMissed());

    /// <summary>
    /// Sees to it that devices which missed writes are known for it when they are opened again, wherever every chunk can do without them: from here on they get
    /// no writes, and no superblock. Where some chunk can't, checksums have to tell what is old. Devices that are missing are left behind with the first commit.
    /// </summary>
    /// <returns>Whether there was such a device.</returns>
    public bool LeaveMissedBehind()
    {
        bool isAnyAbsent = _isAbsenceUntold;
        _isAbsenceUntold = false;
        List<Device> missed = [.. _devices.Values.Where(device => device.HasMissedWrites && device.TakesWrites)];
        if (missed.Count == 0 || !CanSpareMissed())
            return isAnyAbsent;

        missed.ForEach(device => device.LeaveBehind());
        _failedFlush = null;
        return true;
    }

    /// <summary>The first chunk that can't bear the loss of all devices that take no writes, and some more.</summary>
    private Chunk? FirstLostChunk(Func<Device, bool> isLost)
    {
        foreach (Chunk chunk in Chunks.Chunks)
        {
            // What is lost together is a group of copies; with parity the whole chunk is one, of which it bears as many losses as it has parity.
            int group = chunk.ParityCount > 0 ? chunk.Stripes.Length : chunk.MirrorCount;
            int bearable = chunk.ParityCount > 0 ? chunk.ParityCount : group - 1;
            for (int first = 0; first < chunk.Stripes.Length; first += group)
            {
                int lost = 0;
                foreach (ref readonly ChunkStripe stripe in chunk.Stripes.Slice(first, group))
                {
                    if (FindDevice(stripe) is not { TakesWrites: true } device || isLost(device))
                        lost++;
                }

                if (lost > bearable)
                    return chunk;
            }
        }

        return null;
    }
}
