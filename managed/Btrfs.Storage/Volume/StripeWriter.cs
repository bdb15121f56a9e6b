using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Writes to the stripes of a chunk, one by one and as copies of each other. A failure of one copy is noted; that of all is thrown.</summary>
internal sealed class StripeWriter(LogicalVolume volume)
{
    /// <summary>Whether the device of a stripe is here and takes writes.</summary>
    public bool TakesWrites(Chunk chunk, int stripeIndex) => volume.FindDevice(chunk.Stripes[stripeIndex]) is { TakesWrites: true };

    /// <inheritdoc cref="Device.HasAllWrites"/>
    public bool HasAllWrites(Chunk chunk, int stripeIndex) => volume.FindDevice(chunk.Stripes[stripeIndex]) is { HasAllWrites: true };

    /// <summary>Writes all copies of a piece that lies in one stripe.</summary>
    /// <exception cref="IOException">No copy could be written.</exception>
    public void WriteCopies(Chunk chunk, LogicalAddress start, ReadOnlySpan<byte> piece)
    {
        IOException? error = null;
        int done = 0;
        for (int mirror = 1; mirror <= chunk.MirrorCount; mirror++)
        {
            StripeRange range = StripeRange.Map(chunk, start, piece.Length, mirror);
            Invariant.That(range.Length == piece.Length);
            if (TryWrite(chunk, range.Stripe, range.Offset, piece, ref error))
                done++;
        }

        if (done == 0)
            throw NoCopy(chunk, start, error);
    }

    /// <summary>The same of a piece in parts.</summary>
    /// <inheritdoc cref="WriteCopies(Chunk, LogicalAddress, ReadOnlySpan{byte})"/>
    public void WriteCopies(Chunk chunk, LogicalAddress start, ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        IOException? error = null;
        int done = 0;
        for (int mirror = 1; mirror <= chunk.MirrorCount; mirror++)
        {
            StripeRange range = StripeRange.Map(chunk, start, 1, mirror);
            if (TryWrite(chunk, range.Stripe, range.Offset, parts, ref error))
                done++;
        }

        if (done == 0)
            throw NoCopy(chunk, start, error);
    }

    /// <summary>False where the device is not here, takes no writes, or failed, which is noted.</summary>
    public bool TryWrite(Chunk chunk, int stripeIndex, ulong offset, ReadOnlySpan<byte> data, ref IOException? error)
    {
        if (!TryLocate(chunk, stripeIndex, offset, out Device? device, out ulong physical))
            return false;

        try
        {
            device.Block.Write(physical, data);
            return true;
        }
        catch (IOException fault)
        {
            volume.NoteMissedWrite(device, fault);
            error = fault;
            return false;
        }
    }

    /// <summary>What keeps the stripes of a chunk from being written.</summary>
    public string WhyLost(Chunk chunk)
    {
        List<string> reasons = [];
        foreach (ChunkStripe stripe in chunk.Stripes)
        {
            if (volume.FindDevice(stripe) is not { } device)
                reasons.Add($"device {stripe.DeviceId} is missing");
            else if (!device.HasAllWrites)
                reasons.Add($"device {stripe.DeviceId} ({device.Block.Name}) {(device.IsSeed ? "is a seed" : device.IsStale ? "is behind" : device.HasMissedWrites ? "has missed writes" : "was opened read-only")}");
        }

        return string.Join(", ", reasons.Distinct());
    }

    private bool TryWrite(Chunk chunk, int stripeIndex, ulong offset, ReadOnlySpan<ReadOnlyMemory<byte>> parts, ref IOException? error)
    {
        if (!TryLocate(chunk, stripeIndex, offset, out Device? device, out ulong physical))
            return false;

        try
        {
            device.Block.Write(physical, parts);
            return true;
        }
        catch (IOException fault)
        {
            volume.NoteMissedWrite(device, fault);
            error = fault;
            return false;
        }
    }

    private bool TryLocate(Chunk chunk, int stripeIndex, ulong offset, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Device? device, out ulong physical)
    {
        ref readonly ChunkStripe stripe = ref chunk.Stripes[stripeIndex];
        physical = stripe.Offset + offset;
        device = volume.FindDevice(stripe);
        return device is { TakesWrites: true };
    }

    private IOException NoCopy(Chunk chunk, LogicalAddress start, IOException? error) =>
        new($"logical address {start} can't be written: {error?.Message ?? WhyLost(chunk)}", error);
}
