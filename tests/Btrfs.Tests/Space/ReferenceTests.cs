using System.Diagnostics;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Space;

public sealed class ReferenceTests
{
    /// <summary>More than an extent's item takes in.</summary>
    private const int Many = 100;

    [Test]
    public void Of_references_whose_hashes_are_equal_each_can_be_the_first_to_go([Values] bool isFirst)
    {
        (DataReference one, DataReference other) = FindCollision();
        using FsWriter writer = Open();
        DataExtent extent = AddExtent(writer, Many);
        Change(writer, part => part.AddReference(extent.Start, extent.Bytes, one));
        Change(writer, part => part.AddReference(extent.Start, extent.Bytes, other));
        Change(writer, part => part.DropReference(extent.Start, extent.Bytes, isFirst ? one : other));
        Change(writer, part => part.AddReference(extent.Start, extent.Bytes, isFirst ? other : one));
        Change(writer, part => part.DropReference(extent.Start, extent.Bytes, isFirst ? other : one));
        Change(writer, part => part.DropReference(extent.Start, extent.Bytes, isFirst ? other : one));
        using Transaction last = writer.Begin(1);
        Assert.That(last.CountReferences(extent.Start, extent.Bytes), Is.EqualTo(Many));
    }

    [Test]
    public void Many_references_of_one_extent_cost_what_each_of_them_does()
    {
        // Each beside all that came before it would be 80 s.
        const int Count = 300_000;
        using FsWriter writer = Open();
        Stopwatch watch = Stopwatch.StartNew();
        AddExtent(writer, Count);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)));
    }

    private static FsWriter Open() => new MadeImage(new MakeOptions(), megabytes: 400).OpenForWriting();

    private static void Change(FsWriter writer, Action<Transaction> change)
    {
        using (Transaction part = writer.Begin(1))
        {
            change(part);
            part.Complete();
        }

        writer.Commit();
    }

    private static DataExtent AddExtent(FsWriter writer, int references)
    {
        DataExtent extent = default;
        Change(writer, part =>
        {
            extent = part.AllocateData(4096, 4096);
            part.AddExtent(extent, new DataReference(ObjectIds.FsTree, 1000, 0));
            for (ulong i = 1; i < (ulong)references; i++)
                part.AddReference(extent.Start, extent.Bytes, new DataReference(ObjectIds.FsTree, 1000, i * 4096));
        });
        return extent;
    }

    private static (DataReference One, DataReference Other) FindCollision()
    {
        Random random = new(1);
        Dictionary<ulong, DataReference> found = [];
        while (true)
        {
            DataReference use = new(ObjectIds.FsTree, (ulong)random.Next(2000, 1 << 30), (ulong)random.Next(1 << 30) * 4096);
            ulong hash = NameHash.OfExtentDataRef(use.RootId, use.Inode, use.Offset);
            if (!found.TryAdd(hash, use) && found[hash] != use)
                return (found[hash], use);
        }
    }
}
