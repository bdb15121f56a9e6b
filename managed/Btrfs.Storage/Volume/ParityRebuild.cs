using System.Buffers;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Rebuilds a piece of a raid5 or raid6 data stripe from the rest of its full stripe.
/// <para>
/// With data stripes D(i), P is their sum and Q the sum of g^i·D(i) in GF(2^8). Stripes that can't be read count as zero while
/// the sums are taken, so what is left of P and Q afterwards is the share of the lost ones, and one or two equations give them.
/// </para>
/// </summary>
internal sealed class ParityRebuild(LogicalVolume volume)
{
    /// <param name="chunk">A raid5 or raid6 chunk.</param>
    /// <param name="address">First byte.</param>
    /// <param name="piece">Within one stripe.</param>
    /// <param name="mirror">2 for the stripe alone lost, from 3 on with one more, which raid6 can bear.</param>
    /// <param name="distrustOld">Takes the stripes of devices that missed commits or writes as lost: for bytes that no checksum will be held against.</param>
    /// <exception cref="IOException">More stripes are lost than the parity can bear.</exception>
    public void Read(Chunk chunk, LogicalAddress address, Span<byte> piece, int mirror, bool distrustOld = false)
    {
        int dataCount = chunk.Stripes.Length - chunk.ParityCount;
        ulong offset = address - chunk.Start;
        ulong number = offset / FormatLimits.StripeLength;
        ulong row = number / (uint)dataCount;
        int wanted = (int)(number % (uint)dataCount);
        ulong offsetInStripe = row * FormatLimits.StripeLength + offset % FormatLimits.StripeLength;
        FullStripe stripe = new(volume, chunk, row, offsetInStripe, ExcludedRole(chunk, wanted, mirror), distrustOld);

        byte[] rented = ArrayPool<byte>.Shared.Rent(2 * piece.Length);
        try
        {
            Solve(stripe, wanted, dataCount, piece, rented.AsSpan(0, piece.Length), rented.AsSpan(piece.Length, piece.Length));
        }
        catch (IOException error)
        {
            throw new IOException($"logical address {address} can't be rebuilt as mirror {mirror}: {error.Message}", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Which further role a raid6 mirror number takes as lost; -1 for none.</summary>
    private static int ExcludedRole(Chunk chunk, int wanted, int mirror)
    {
        if (mirror <= 2 || chunk.ParityCount != 2)
            return -1;

        int role = chunk.Stripes.Length - (mirror - 1);
        return role <= wanted ? role - 1 : role;
    }

    private static void Solve(in FullStripe stripe, int wanted, int dataCount, Span<byte> piece, Span<byte> scratch, Span<byte> q)
    {
        // Until the end `piece` is what is left of P, and `q` what is left of Q (Horner's rule, from the last data stripe down).
        piece.Clear();
        q.Clear();
        int other = -1;
        string lost = "";
        for (int role = dataCount - 1; role >= 0; role--)
        {
            GaloisField.Double(q);
            if (role == wanted)
                continue;
            if (stripe.TryRead(role, scratch, ref lost))
            {
                GaloisField.Add(piece, scratch);
                GaloisField.Add(q, scratch);
            }
            else if (other < 0)
            {
                other = role;
            }
            else
            {
                throw new IOException($"too many stripes are lost{lost}");
            }
        }

        bool hasP = stripe.TryRead(dataCount, scratch, ref lost);
        if (hasP)
            GaloisField.Add(piece, scratch);
        if (hasP && other < 0)
            return;

        bool hasQ = stripe.HasQ && stripe.TryRead(dataCount + 1, scratch, ref lost);
        if (!hasQ || (!hasP && other >= 0))
            throw new IOException($"too many stripes are lost{lost}");

        GaloisField.Add(q, scratch);
        if (other < 0)
        {
            // Q = g^wanted·D
            GaloisField.Multiply(q, GaloisField.Inverse(GaloisField.Power(wanted)));
            q.CopyTo(piece);
            return;
        }

        // P = D + E and Q = g^wanted·D + g^other·E, so D = (Q + g^other·P) / (g^wanted + g^other).
        GaloisField.Multiply(piece, GaloisField.Power(other));
        GaloisField.Add(piece, q);
        GaloisField.Multiply(piece, GaloisField.Inverse((byte)(GaloisField.Power(wanted) ^ GaloisField.Power(other))));
    }

    /// <param name="volume">Over the devices.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="row">The number of the full stripe in the chunk.</param>
    /// <param name="offset">Bytes behind each stripe's begin on its device: the same for all of a full stripe.</param>
    /// <param name="excludedRole">Taken as lost; -1 for none.</param>
    /// <param name="distrustOld">Whether stripes of devices that missed commits or writes are.</param>
    private readonly struct FullStripe(LogicalVolume volume, Chunk chunk, ulong row, ulong offset, int excludedRole, bool distrustOld)
    {
        public bool HasQ => chunk.ParityCount == 2;

        /// <summary>False where the stripe of a role is lost; <paramref name="lost"/> then tells why.</summary>
        public bool TryRead(int role, Span<byte> buffer, ref string lost)
        {
            if (role == excludedRole)
                return false;

            int index = StripeRange.ParityStripe(chunk, row, role);
            Device? device = volume.FindDevice(chunk.Stripes[index]);
            if (device is null || (distrustOld && !device.HasAllWrites))
            {
                lost += $"; device {chunk.Stripes[index].DeviceId} is {(device is null ? "missing" : "behind")}";
                return false;
            }

            try
            {
                volume.ReadStripe(chunk, index, offset, buffer);
                return true;
            }
            catch (IOException error)
            {
                lost += $"; {error.Message}";
                return false;
            }
        }
    }
}
