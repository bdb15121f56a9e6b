using Btrfs.Crash.Images;
using Btrfs.Crash.Running;
using Btrfs.Engine;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;
using Btrfs.Storage;

namespace Btrfs.Tests.Crash;

public sealed class CleanerTests
{
    [Test]
    public void A_cleaner_that_is_stopped_after_each_step_goes_on_to_the_end()
    {
        Disks template = Disks.Of(Template.Load("nodes4k"));
        IReadOnlyList<IBlockDevice> devices = template.Overlay();
        Disks disks = template with { Devices = devices };
        using (BtrfsFileSystem fs = BtrfsFileSystem.Open(devices, new BtrfsOpenOptions { Writable = true }))
            DeleteLarge(fs);

        int steps = 0;
        for (bool hasMore = true; hasMore; steps++)
        {
            using (FsWriter writer = FsWriter.Open(DeviceSet.Open(devices, new DeviceOpenOptions { Writable = true })))
            {
                hasMore = new SubvolumeCleaner(new SubvolumeWriters(writer)).Step();
                writer.Commit();
            }

            Assert.That(() => StateJudge.Read(disks, checkData: true), Throws.Nothing, $"after step {steps}");
        }

        Assert.That(steps, Is.GreaterThan(4), "two subvolumes, each in more than one step, and the last that finds nothing");
        using BtrfsFileSystem clean = BtrfsFileSystem.Open(devices);
        Assert.That(clean.EnumerateSubvolumes().Count(), Is.EqualTo(1));
    }

    private static void DeleteLarge(BtrfsFileSystem fs)
    {
        fs.CreateSubvolume("large");
        byte[] content = new byte[1900];
        Random.Shared.NextBytes(content);
        for (int i = 0; i < 700; i++)
        {
            fs.CreateFile($"large/{i}");
            fs.WriteFile($"large/{i}", 0, content);
        }

        fs.CreateSnapshot("large", "copy", isReadOnly: false);
        for (int i = 0; i < 700; i += 3)
            fs.Delete($"copy/{i}");
        fs.DeleteSubvolume("large");
        fs.DeleteSubvolume("copy");
    }
}
