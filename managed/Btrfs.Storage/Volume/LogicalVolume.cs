using Btrfs.Format;

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

    public LogicalVolume(IEnumerable<Device> devices)
    {
        _devices = devices.ToDictionary(device => device.Id);
        _rebuild = new ParityRebuild(this);
    }

    public ChunkMap Chunks { get; } = new();

    /// <summary>The devices that are here, in no order.</summary>
    public IReadOnlyCollection<Device> Devices => _devices.Values;

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
            if (device is { IsStale: false })
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

    internal bool IsPresent(Chunk chunk, int stripeIndex) => FindDevice(chunk.Stripes[stripeIndex]) is not null;

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
    private Device? FindDevice(in ChunkStripe stripe) =>
        _devices.TryGetValue(stripe.DeviceId, out Device? device) && device.Uuid == stripe.DeviceUuid ? device : null;
}
