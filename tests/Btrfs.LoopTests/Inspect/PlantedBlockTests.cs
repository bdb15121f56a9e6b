using System.Globalization;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.Format;
using Btrfs.Tests;

namespace Btrfs.LoopTests.Inspect;

/// <summary>Blocks that no kernel here writes: every key that there can be, and items of rare types with any content.</summary>
public sealed class PlantedBlockTests
{
    private const int Rounds = 20;

    // Later than btrfs-progs 6.2, which has no names for them.
    private static readonly ItemType[] s_newTypes = [ItemType.ExtentOwnerRef];

    private static readonly ulong[] s_ids =
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255, 256, 1UL << 48, (1UL << 48) + 5,
        .. Enumerable.Range(1, 14).Select(i => unchecked((ulong)-i)).Reverse(), ObjectIds.Multiple,
    ];

    private PlantedBlock _planted = null!;

    [OneTimeSetUp]
    public void MakeAnImage()
    {
        Oracle.Require();
        _planted = new PlantedBlock();
    }

    [OneTimeTearDown]
    public void RemoveTheImage() => _planted?.Dispose();

    [Test]
    public void Every_key_is_spelled_alike()
    {
        ulong[] ids = [.. s_ids.Order()];
        for (int first = 0; first < 256; first++)
        {
            ItemType type = (ItemType)first;
            if (s_newTypes.Contains(type))
                continue;

            _planted.WriteNode([.. ids.SelectMany(id => ids.Select(offset => new Key(id, type, offset)))]);
            AssertBlockIsPrintedAlike();
        }
    }

    [Test]
    public void Items_of_rare_types_with_any_content_are_printed_alike()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < Rounds; round++)
        {
            _planted.WriteLeaf([.. RareItems(random).OrderBy(item => item.Key)]);
            AssertBlockIsPrintedAlike();
        }
    }

    /// <summary>Types whose content the gate leaves alone; each of a length that its type has on a disk.</summary>
    private static IEnumerable<(Key Key, byte[] Data)> RareItems(Random random)
    {
        (ulong Id, ItemType Type, int Length)[] shapes =
        [
            (300, ItemType.DirLogItem, sizeof(ulong)),
            (300, ItemType.DirLogIndex, sizeof(ulong)),
            (300, ItemType.OrphanItem, 0),
            (300, ItemType.VerityMerkleItem, 200),
            (300, KeyText.LegacyCsumItem, 12),
            (300, KeyText.LegacyExtentRef, 12),
            (300, (ItemType)2, 50),
            (300, ItemType.RaidStripe, 32),
            (300, ItemType.StringItem, 70),
            (300, ItemType.DevReplace, 80),
            (0, ItemType.QgroupInfo, QgroupInfoItem.Size),
            (0, ItemType.QgroupLimit, QgroupLimitItem.Size),
            (300, ItemType.QgroupRelation, 0),
            (ObjectIds.DevStats, ItemType.PersistentItem, 5 * sizeof(ulong)),
            (ObjectIds.DevStats, ItemType.PersistentItem, 8 * sizeof(ulong)),
            (300, ItemType.PersistentItem, 16),
            (ObjectIds.Balance, ItemType.TemporaryItem, BalanceItem.Size),
            (300, ItemType.TemporaryItem, 10),
            (ObjectIds.FreeSpace, 0, FreeSpaceHeader.Size),
            (300, 0, FreeSpaceHeader.Size),
        ];
        foreach ((ulong id, ItemType type, int length) in shapes)
        {
            for (int count = 0; count < 3; count++)
            {
                byte[] data = new byte[length];
                random.NextBytes(data);
                yield return (new Key(id, type, (ulong)random.NextInt64()), data);
            }
        }

        foreach (ulong flags in (ulong[])[0, 1, 2, 3, 4, 5, 6, 7, 16, 1UL << 63])
        {
            byte[] status = new byte[QgroupStatusItem.Size];
            random.NextBytes(status);
            BitConverter.TryWriteBytes(status.AsSpan(2 * sizeof(ulong)), flags);
            yield return (new Key(0, ItemType.QgroupStatus, flags), status);
        }
    }

    private void AssertBlockIsPrintedAlike()
    {
        byte[] ours = Dump.Tree([_planted.Image], new TreeDumpOptions { Blocks = [_planted.Bytenr] }).Text;
        Dump.AssertSame(ours, Oracle.Inspect("dump-tree", "-b", _planted.Bytenr.ToString(CultureInfo.InvariantCulture), _planted.Image));
    }
}
