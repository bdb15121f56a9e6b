using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class SuperblockWriterTests
{
    private const int WithMirror = (64 << 20) + 8192;
    private const int Primary = 64 << 10;
    private const int Mirror = 64 << 20;

    [Test]
    public void Every_copy_on_every_device_is_the_new_one_with_the_devices_own_item([Values] ChecksumType checksum)
    {
        TestImage image = new(devices: 2, checksum, deviceSize: WithMirror);
        using (DeviceSet set = image.Open())
            set.WriteSuperblocks(Next(set), ItemOf(image));

        foreach (int destroyed in (int[])[Primary, Mirror])
        {
            byte[][] saved = [.. image.Devices.Select(device => device.Bytes.AsSpan(destroyed, 4096).ToArray())];
            foreach (MemoryDevice device in image.Devices)
                device.Bytes.AsSpan(destroyed, 4096).Clear();
            using DeviceSet set = image.Open();
            Assert.That(set.Superblock.Generation.Value, Is.EqualTo(11));
            Assert.That(set.Devices.Select(device => (device.Id, device.IsStale)), Is.EqualTo(new[] { (1UL, false), (2UL, false) }));
            for (int i = 0; i < saved.Length; i++)
                saved[i].CopyTo(image.Devices[i].Bytes, destroyed);
        }

        ref readonly Superblock second = ref MemoryMarshal.AsRef<Superblock>(image.Devices[1].Bytes.AsSpan(Mirror));
        Assert.That(second.Bytenr.Value, Is.EqualTo(Mirror));
        Assert.That((second.DevItem.DeviceId.Value, second.DevItem.BytesUsed.Value), Is.EqualTo((2UL, 222UL)));
        Assert.That(image.Devices.Select(device => (device.Writes, device.Flushes)), Is.All.EqualTo((2, 2)));
    }

    [Test]
    public void A_copy_that_does_not_fit_the_file_system_is_left_alone()
    {
        TestImage image = new(deviceSize: WithMirror);
        byte[] before = image.Devices[0].Bytes[Mirror..];
        using DeviceSet set = image.Open();
        set.WriteSuperblocks(Next(set), id => ItemOf(image)(id) with { TotalBytes = Mirror + 4095 });
        Assert.That(image.Devices[0].Bytes[Mirror..], Is.EqualTo(before));
        Assert.That(MemoryMarshal.AsRef<Superblock>(image.Devices[0].Bytes.AsSpan(Primary)).Generation.Value, Is.EqualTo(11));
    }

    [Test]
    public void One_device_that_takes_it_is_enough_and_the_other_is_told_of()
    {
        TestImage image = new(devices: 2, deviceSize: WithMirror);
        image.Devices[0].FailWrites(0, WithMirror);
        using (DeviceSet set = image.Open())
        {
            set.WriteSuperblocks(Next(set), ItemOf(image));
            Assert.That(set.Volume.WriteFaults, Has.One.StartsWith("device 1 (disk1): "));
        }

        // A power cut between the two superblocks leaves the same: the device goes on, or no raid0 could be written after one.
        using (DeviceSet after = image.Open())
        {
            Assert.That(after.Superblock.Generation.Value, Is.EqualTo(11));
            Assert.That(after.Devices.Select(device => (device.IsStale, device.TakesWrites)), Is.EqualTo(new[] { (true, true), (false, true) }));
            after.WriteSuperblocks(Next(after), ItemOf(image));
            Assert.That(after.Volume.WriteFaults, Is.Not.Empty);
        }

        // What is further behind must not be brought up to date by its superblock alone.
        using DeviceSet later = image.Open();
        Assert.That(later.Devices.Select(device => (device.IsStale, device.TakesWrites)), Is.EqualTo(new[] { (true, false), (false, true) }));
        later.WriteSuperblocks(Next(later), ItemOf(image));
        Assert.That(MemoryMarshal.AsRef<Superblock>(image.Devices[0].Bytes.AsSpan(Primary)).Generation.Value, Is.EqualTo(10));
    }

    [Test]
    public void No_device_that_takes_it_is_an_error()
    {
        TestImage image = new();
        image.Devices[0].FailsFlushes = true;
        using DeviceSet set = image.Open();
        Assert.That(() => set.WriteSuperblocks(Next(set), ItemOf(image)), Throws.TypeOf<IOException>().With.Message.EqualTo("no superblock could be written: disk1: can't flush"));
    }

    [Test]
    public void The_mirrors_wait_until_the_primaries_are_durable()
    {
        TestImage image = new(devices: 2, deviceSize: WithMirror);
        image.Devices[0].FailsFlushes = true;
        image.Devices[1].FailsFlushes = true;
        using DeviceSet set = image.Open();
        Assert.That(() => set.WriteSuperblocks(Next(set), ItemOf(image)), Throws.TypeOf<IOException>());
        foreach (MemoryDevice device in image.Devices)
            Assert.That(BinaryPrimitives.ReadUInt64LittleEndian(device.Bytes.AsSpan(Mirror + 0x48)), Is.EqualTo(10));
    }

    private static Superblock Next(DeviceSet set)
    {
        Superblock next = set.Superblock;
        next.Generation = next.Generation.Value + 1;
        return next;
    }

    private static Func<ulong, DevItem> ItemOf(TestImage image) => id =>
    {
        DevItem item = MemoryMarshal.AsRef<Superblock>(image.Devices[(int)id - 1].Bytes.AsSpan(Primary)).DevItem;
        item.BytesUsed = 111 * id;
        return item;
    };
}
