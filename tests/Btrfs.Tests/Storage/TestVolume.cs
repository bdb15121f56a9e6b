using System.Buffers.Binary;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

/// <summary>
/// One chunk over devices of memory, laid out stripe by stripe from the format's description and not through the code under test; with parity
/// taken bit by bit.
/// </summary>
internal sealed class TestVolume
{
    public const ulong Start = 1 << 20;
    private const int StripeLength = 65536;

    private readonly BlockGroupFlags _type;
    private readonly int _subStripes;
    private readonly int _count;

    /// <param name="profile">The profile bit, or none for single.</param>
    /// <param name="stripes">Stripes of the chunk, one a device but for dup.</param>
    /// <param name="rows">How many stripes of 64 KiB lie on each device.</param>
    /// <param name="seed">Of the data.</param>
    public TestVolume(BlockGroupFlags profile, int stripes, int rows, int seed = 1)
    {
        _type = profile | BlockGroupFlags.Data;
        _count = stripes;
        _subStripes = profile == BlockGroupFlags.Raid10 ? 2 : 1;
        Data = new byte[DataStripes(rows) * StripeLength];
        new Random(seed).NextBytes(Data);
        for (int i = 0; i < stripes; i++)
            Devices.Add(new MemoryDevice($"disk{i + 1}", new byte[Offset(i) + rows * StripeLength]));
        Lay();
    }

    public List<MemoryDevice> Devices { get; } = [];

    /// <summary>What the chunk holds, by logical address from <see cref="Start"/>.</summary>
    public byte[] Data { get; }

    /// <summary>The volume without the devices of some indices, and with others behind the newest generation.</summary>
    public LogicalVolume Open(int[]? missing = null, int[]? stale = null)
    {
        List<Device> present = [];
        for (int i = 0; i < _count; i++)
        {
            if (missing?.Contains(i) != true)
                present.Add(new Device((ulong)i + 1, UuidOf(i), Devices[i], 7, stale?.Contains(i) == true));
        }

        LogicalVolume volume = new(present);
        volume.Chunks.Add(new Key(ObjectIds.FirstChunkTree, ItemType.ChunkItem, Start), ChunkBytes());
        return volume;
    }

    public byte[] ChunkBytes()
    {
        byte[] item = new byte[ChunkItem.Size + _count * StripeItem.Size];
        BinaryPrimitives.WriteUInt64LittleEndian(item, (ulong)Data.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(8), ObjectIds.ExtentTree);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(16), StripeLength);
        BinaryPrimitives.WriteUInt64LittleEndian(item.AsSpan(24), (ulong)_type);
        BinaryPrimitives.WriteUInt32LittleEndian(item.AsSpan(40), 4096);
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(44), (ushort)_count);
        BinaryPrimitives.WriteUInt16LittleEndian(item.AsSpan(46), (ushort)_subStripes);
        for (int i = 0; i < _count; i++)
        {
            Span<byte> stripe = item.AsSpan(ChunkItem.Size + i * StripeItem.Size);
            BinaryPrimitives.WriteUInt64LittleEndian(stripe, (ulong)i + 1);
            BinaryPrimitives.WriteUInt64LittleEndian(stripe[8..], (ulong)Offset(i));
            UuidOf(i).CopyTo(stripe[16..]);
        }

        return item;
    }

    /// <summary>Fills a device's share with other bytes.</summary>
    public void Destroy(int device) => new Random(99 + device).NextBytes(Devices[device].Bytes.AsSpan(Offset(device)));

    /// <summary>The first device whose share differs from what another volume's has, counted from 1; 0 for none.</summary>
    public int FirstDifference(TestVolume other, params int[] except)
    {
        for (int i = 0; i < _count; i++)
        {
            if (!except.Contains(i) && !Devices[i].Bytes.AsSpan().SequenceEqual(other.Devices[i].Bytes))
                return i + 1;
        }

        return 0;
    }

    // Each device's share begins elsewhere, so that a mix-up of devices shows.
    private static int Offset(int device) => 4096 * (device + 1);

    private static Uuid UuidOf(int device) => new([.. Enumerable.Repeat((byte)(device + 1), Uuid.Size)]);

    private int DataStripes(int rows) => (_type & BlockGroupFlags.ProfileMask) switch
    {
        BlockGroupFlags.Raid0 => rows * _count,
        BlockGroupFlags.Raid10 => rows * _count / 2,
        BlockGroupFlags.Raid5 => rows * (_count - 1),
        BlockGroupFlags.Raid6 => rows * (_count - 2),
        _ => rows,
    };

    /// <summary>Lays <see cref="Data"/> out anew, after a test has changed it.</summary>
    public void Lay()
    {
        for (int number = 0; number < Data.Length / StripeLength; number++)
        {
            switch (_type & BlockGroupFlags.ProfileMask)
            {
                case BlockGroupFlags.Raid0:
                    Put(number % _count, number / _count, Stripe(number));
                    break;
                case BlockGroupFlags.Raid10:
                    Put(number % (_count / 2) * 2, number / (_count / 2), Stripe(number));
                    Put(number % (_count / 2) * 2 + 1, number / (_count / 2), Stripe(number));
                    break;
                case BlockGroupFlags.Raid5:
                    LayWithParity(number, 1);
                    break;
                case BlockGroupFlags.Raid6:
                    LayWithParity(number, 2);
                    break;
                default:
                    for (int copy = 0; copy < _count; copy++)
                        Put(copy, number, Stripe(number));
                    break;
            }
        }
    }

    private void LayWithParity(int number, int parity)
    {
        int data = _count - parity;
        int row = number / data;
        Put((row + number % data) % _count, row, Stripe(number));
        if (number % data != 0)
            return;

        byte[] p = new byte[StripeLength];
        byte[] q = new byte[StripeLength];
        for (int i = 0; i < data; i++)
        {
            ReadOnlySpan<byte> stripe = Stripe(number + i);
            byte factor = SlowField.Power(2, i);
            byte[] products = [.. Enumerable.Range(0, 256).Select(value => SlowField.Multiply((byte)value, factor))];
            for (int at = 0; at < StripeLength; at++)
            {
                p[at] ^= stripe[at];
                q[at] ^= products[stripe[at]];
            }
        }

        Put((row + data) % _count, row, p);
        if (parity == 2)
            Put((row + data + 1) % _count, row, q);
    }

    private ReadOnlySpan<byte> Stripe(int number) => Data.AsSpan(number * StripeLength, StripeLength);

    private void Put(int device, int row, ReadOnlySpan<byte> stripe) => stripe.CopyTo(Devices[device].Bytes.AsSpan(Offset(device) + row * StripeLength));
}
