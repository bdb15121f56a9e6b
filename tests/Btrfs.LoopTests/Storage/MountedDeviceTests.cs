using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Storage;

/// <summary>File systems that are read while the kernel has them mounted.</summary>
public sealed class MountedDeviceTests
{
    [Test]
    public void A_mounted_device_is_noticed_and_read_past_its_page_cache()
    {
        using KernelImages images = KernelImages.Make("-d raid1 -m raid1", devices: 2);
        images.WhileMounted(loops =>
        {
            // Fills the page caches of the devices with blocks that the next commit replaces.
            images.Run($"cat {string.Join(' ', loops)} > /dev/null");
            byte[] written = new byte[200_000];
            new Random(1).NextBytes(written);
            File.WriteAllBytes(Path.Combine(images.Directory, "mnt", "fresh"), written);
            images.Run("dd if=/dev/urandom of=mnt/nocow bs=4096 count=20 conv=notrunc status=none; sync -f mnt; cp mnt/nocow files/");

            using OpenedImages opened = new(loops);
            Assert.That(opened.Set.IsMounted);
            Assert.That(opened.Set.Notices, Is.EqualTo(loops.Select(loop => $"{loop} is mounted at {images.Directory}/mnt")));
            Assert.That(opened.ReadFile("fresh").AsSpan().SequenceEqual(written));
            opened.AssertFiles(images);
            Assert.That((opened.Reader.Repaired, opened.Data.Repaired), Is.EqualTo((0L, 0L)));
        });
    }

    [Test]
    public void An_image_behind_a_mounted_loop_device_is_noticed_and_read_as_of_the_last_commit()
    {
        using KernelImages images = KernelImages.Make("");
        images.WhileMounted(loops =>
        {
            File.WriteAllBytes(Path.Combine(images.Directory, "mnt", "fresh"), [1, 2, 3]);
            images.Run("sync -f mnt");
            using OpenedImages opened = new(images.Images);
            Assert.That(opened.Set.Notices, Is.EqualTo(new[] { $"{images.Images[0]} is mounted through {loops[0]} at {images.Directory}/mnt" }));
            Assert.That(opened.ReadFile("fresh"), Is.EqualTo(new byte[] { 1, 2, 3 }));
            opened.AssertFiles(images);

            File.WriteAllBytes(Path.Combine(images.Directory, "mnt", "more"), [4]);
            images.Run("sync -f mnt");
            using DeviceSet now = opened.Set.OpenAgain();
            Assert.That(now.Superblock.Generation.Value, Is.GreaterThan(opened.Set.Superblock.Generation.Value));
        });

        using OpenedImages after = new(images.Images);
        Assert.That(after.Set.IsMounted, Is.False);
        Assert.That(after.Set.Notices, Is.Empty);
    }

    [Test]
    public void A_mounted_device_and_the_image_behind_it_are_not_opened_to_be_written()
    {
        using KernelImages images = KernelImages.Make("");
        DeviceOpenOptions writable = new() { Writable = true };
        images.WhileMounted(loops =>
        {
            Assert.That(
                () => FileBlockDevice.Open(loops[0], writable),
                Throws.TypeOf<InvalidRequestException>().With.Message.StartsWith($"{loops[0]} is mounted at {images.Directory}/mnt"));
            Assert.That(
                () => FileBlockDevice.Open(images.Images[0], writable),
                Throws.TypeOf<InvalidRequestException>().With.Message.StartsWith($"{images.Images[0]} is mounted through {loops[0]} at {images.Directory}/mnt"));
        });

        FileBlockDevice.Open(images.Images[0], writable).Dispose();
    }

    [Test]
    public void Direct_reads_give_the_same_as_cached_ones()
    {
        using KernelImages images = KernelImages.Make("-d raid0 -m raid1", devices: 2);
        using OpenedImages opened = new(images.Images, new DeviceOpenOptions { Direct = true });
        opened.AssertFiles(images);
        Assert.That(opened.Set.Notices, Is.Empty);
    }
}
