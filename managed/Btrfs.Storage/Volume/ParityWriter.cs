using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Writes pieces of a full stripe with the parity of all of it, which is taken from the data anew each time and never from what the disk has as parity. Data that
/// is not being written is read, and rebuilt where its device is lost or has missed a write; P and Q are written only for the columns that change.
/// <para>
/// Between the writes of data and parity lies the write hole: a crash there, and a lost device after it, cost the other data of these columns. The kernel has
/// the same hole; what is newly written belongs to no commit yet.
/// </para>
/// </summary>
internal sealed class ParityWriter
{
    // Two writers of one full stripe would each take the parity of the other's old data.
    private const int LockCount = 64;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, LockCount).Select(_ => new Lock())];
    private readonly StripeWriter _writer;
    private readonly LogicalVolume _volume;
    private readonly ParityRebuild _rebuild;

    public ParityWriter(LogicalVolume volume, StripeWriter writer, ParityRebuild rebuild)
    {
        _volume = volume;
        _writer = writer;
        _rebuild = rebuild;
    }

    /// <exception cref="IOException">More stripes can't be written than the parity can bear, or data that is needed can't be read.</exception>
    public void Write(FullStripeBuffer stripe)
    {
        lock (_locks[(int)((stripe.Chunk.Start.Value / FormatLimits.StripeLength + stripe.Row) % LockCount)])
        {
            VerifyBearable(stripe.Chunk);
            (int low, int high) = Columns(stripe);
            Complete(stripe, low, high);
            ParityMath.Generate(
                stripe.Data[low..],
                stripe.DataCount,
                FormatLimits.StripeLength,
                stripe.Role(stripe.DataCount)[low..high],
                stripe.Chunk.ParityCount == 2 ? stripe.Role(stripe.DataCount + 1)[low..high] : []);
            WriteOut(stripe, low, high);
        }
    }

    /// <summary>Refuses before anything is written.</summary>
    private void VerifyBearable(Chunk chunk)
    {
        if (CountLost(chunk) > chunk.ParityCount)
            throw new IOException($"chunk {chunk.Start} can't be written: {_writer.WhyLost(chunk)}");
    }

    // A stripe that missed a write somewhere may have missed it here: what only the parity knows of it is lost with the next one.
    private int CountLost(Chunk chunk)
    {
        int lost = 0;
        for (int i = 0; i < chunk.Stripes.Length; i++)
        {
            if (!_writer.HasAllWrites(chunk, i))
                lost++;
        }

        return lost;
    }

    /// <summary>The bytes of each stripe, counted from its begin, that hold all that was put.</summary>
    private static (int Low, int High) Columns(FullStripeBuffer stripe)
    {
        int low = FormatLimits.StripeLength;
        int high = 0;
        foreach ((int start, int end) in stripe.Written)
        {
            bool crosses = start / FormatLimits.StripeLength != (end - 1) / FormatLimits.StripeLength;
            low = Math.Min(low, crosses ? 0 : start % FormatLimits.StripeLength);
            high = Math.Max(high, crosses ? FormatLimits.StripeLength : (end - 1) % FormatLimits.StripeLength + 1);
        }

        return (low, high);
    }

    /// <summary>Fills in the old data of the columns wherever nothing was put.</summary>
    private void Complete(FullStripeBuffer stripe, int low, int high)
    {
        int next = 0;
        ReadOnlySpan<(int Start, int End)> written = stripe.Written;
        for (int role = 0; role < stripe.DataCount; role++)
        {
            int begin = role * FormatLimits.StripeLength;
            int at = begin + low;
            while (at < begin + high)
            {
                while (next < written.Length && written[next].End <= at)
                    next++;
                int gapEnd = next < written.Length ? Math.Min(written[next].Start, begin + high) : begin + high;
                if (gapEnd > at)
                    ReadOld(stripe, role, at, gapEnd);
                at = next < written.Length && gapEnd == written[next].Start ? written[next].End : gapEnd;
            }
        }
    }

    private void ReadOld(FullStripeBuffer stripe, int role, int start, int end)
    {
        Chunk chunk = stripe.Chunk;
        int index = StripeRange.ParityStripe(chunk, stripe.Row, role);
        Span<byte> gap = stripe.Data[start..end];
        if (_writer.HasAllWrites(chunk, index))
        {
            try
            {
                _volume.ReadStripe(chunk, index, stripe.Row * FormatLimits.StripeLength + (ulong)(start % FormatLimits.StripeLength), gap);
                return;
            }
            catch (IOException)
            {
                // The rest of the full stripe has it too, or the rebuild says why not.
            }
        }

        LogicalAddress address = chunk.Start + stripe.Row * (ulong)stripe.Data.Length + (ulong)start;
        _rebuild.Read(chunk, address, gap, mirror: 2, distrustOld: true);
    }

    private void WriteOut(FullStripeBuffer stripe, int low, int high)
    {
        Chunk chunk = stripe.Chunk;
        ReadOnlySpan<(int Start, int End)> written = stripe.Written;
        IOException? error = null;
        for (int role = 0; role < chunk.Stripes.Length; role++)
        {
            int index = StripeRange.ParityStripe(chunk, stripe.Row, role);
            if (!_writer.TakesWrites(chunk, index))
                continue;

            bool isWhole = true;
            if (role >= stripe.DataCount)
            {
                isWhole = TryWrite(stripe, role, index, low, high, ref error);
            }
            else
            {
                foreach ((int start, int end) in written)
                {
                    int begin = role * FormatLimits.StripeLength;
                    int first = Math.Max(start - begin, 0);
                    int last = Math.Min(end - begin, FormatLimits.StripeLength);
                    if (first < last)
                        isWhole &= TryWrite(stripe, role, index, first, last, ref error);
                }
            }

            // Parity that stands for a stripe on a device that comes back as if nothing were missing from it would be overwritten as if it didn't.
            if (!isWhole && (CountLost(chunk) > chunk.ParityCount || !_volume.CanSpareMissed()))
                throw new IOException($"chunk {chunk.Start} can't be written: {error!.Message}", error);
        }
    }

    private bool TryWrite(FullStripeBuffer stripe, int role, int index, int start, int end, ref IOException? error) =>
        _writer.TryWrite(stripe.Chunk, index, stripe.Row * FormatLimits.StripeLength + (ulong)start, stripe.Role(role)[start..end], ref error);
}
