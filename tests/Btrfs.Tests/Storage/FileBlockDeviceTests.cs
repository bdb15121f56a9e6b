using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class FileBlockDeviceTests
{
    private string _path = null!;
    private byte[] _bytes = null!;

    [SetUp]
    public void MakeFile()
    {
        // No multiple of any block size, so that the last block is cut.
        _bytes = new byte[700_123];
        new Random(1).NextBytes(_bytes);
        _path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"device-{Guid.NewGuid():n}");
        File.WriteAllBytes(_path, _bytes);
    }

    [TearDown]
    public void RemoveFile() => File.Delete(_path);

    [TestCase(false)]
    [TestCase(true)]
    public void Any_range_is_read_whole(bool direct)
    {
        using FileBlockDevice device = FileBlockDevice.Open(_path, new DeviceOpenOptions { Direct = direct });
        Assert.That(device.SizeBytes, Is.EqualTo(_bytes.Length));
        Random random = TestSeed.Random();
        for (int round = 0; round < 300; round++)
        {
            int offset = random.Next(_bytes.Length + 1);
            byte[] buffer = new byte[random.Next(0, Math.Min(600_000, _bytes.Length - offset) + 1)];
            device.Read((ulong)offset, buffer);
            Assert.That(buffer.AsSpan().SequenceEqual(_bytes.AsSpan(offset, buffer.Length)), $"{buffer.Length} bytes at {offset}");
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_range_behind_the_end_is_refused(bool direct)
    {
        using FileBlockDevice device = FileBlockDevice.Open(_path, new DeviceOpenOptions { Direct = direct });
        Assert.That(() => device.Read(700_123, new byte[1]), Throws.TypeOf<EndOfStreamException>());
        Assert.That(() => device.Read(700_000, new byte[124]), Throws.TypeOf<EndOfStreamException>());
        Assert.That(() => device.Read(ulong.MaxValue, new byte[2]), Throws.TypeOf<EndOfStreamException>().With.Message.Contains(_path));
    }

    [Test]
    public void A_file_cut_off_while_it_is_open_is_an_error()
    {
        using FileBlockDevice device = FileBlockDevice.Open(_path, DeviceOpenOptions.Default);
        using (FileStream file = File.OpenWrite(_path))
            file.SetLength(1000);
        Assert.That(() => device.Read(900, new byte[200]), Throws.TypeOf<EndOfStreamException>().With.Message.Contains("700123"));
    }

    [Test]
    public void A_missing_file_is_refused_by_name() =>
        Assert.That(() => FileBlockDevice.Open(_path + ".none", DeviceOpenOptions.Default), Throws.InstanceOf<IOException>().With.Message.Contains(_path + ".none"));

    [Test]
    public void A_directory_is_refused() =>
        Assert.That(() => FileBlockDevice.Open(Path.GetDirectoryName(_path)!, DeviceOpenOptions.Default), Throws.InstanceOf<Exception>().With.Message.Contains("directory"));

    [Test]
    public void A_prefetch_outside_the_file_does_no_harm()
    {
        using FileBlockDevice device = FileBlockDevice.Open(_path, DeviceOpenOptions.Default);
        device.Prefetch(0, 100_000);
        device.Prefetch(700_000, ulong.MaxValue);
        device.Prefetch(ulong.MaxValue, 1);
        Assert.That(device.Notices, Is.Empty);
        Assert.That(device.IsMounted, Is.False);
    }

    [Test]
    public void What_was_written_is_read_back_and_lies_in_the_file()
    {
        Random random = TestSeed.Random();
        using (FileBlockDevice device = FileBlockDevice.Open(_path, Writable))
        {
            Assert.That(device.IsWritable);
            for (int round = 0; round < 100; round++)
            {
                int offset = random.Next(_bytes.Length + 1);
                byte[] data = new byte[random.Next(Math.Min(60_000, _bytes.Length - offset) + 1)];
                random.NextBytes(data);
                data.CopyTo(_bytes, offset);
                int cut = random.Next(data.Length + 1);
                if (round % 2 == 0)
                    device.Write((ulong)offset, data);
                else
                    device.Write((ulong)offset, (ReadOnlySpan<ReadOnlyMemory<byte>>)[data.AsMemory(0, cut), Array.Empty<byte>(), data.AsMemory(cut)]);
            }

            device.Flush();
            byte[] read = new byte[_bytes.Length];
            device.Read(0, read);
            Assert.That(read.AsSpan().SequenceEqual(_bytes));
        }

        Assert.That(File.ReadAllBytes(_path), Is.EqualTo(_bytes));
    }

    [Test]
    public void A_write_behind_the_end_is_refused_and_changes_nothing()
    {
        using (FileBlockDevice device = FileBlockDevice.Open(_path, Writable))
        {
            Assert.That(() => device.Write(700_000, new byte[124]), Throws.TypeOf<EndOfStreamException>().With.Message.Contains(_path));
            Assert.That(() => device.Write(ulong.MaxValue, new byte[2]), Throws.TypeOf<EndOfStreamException>());
            Assert.That(() => device.Write(700_000, (ReadOnlySpan<ReadOnlyMemory<byte>>)[new byte[100], new byte[24]]), Throws.TypeOf<EndOfStreamException>());
        }

        Assert.That(File.ReadAllBytes(_path), Is.EqualTo(_bytes));
    }

    [Test]
    public void A_device_opened_to_be_read_takes_no_write()
    {
        using FileBlockDevice device = FileBlockDevice.Open(_path, DeviceOpenOptions.Default);
        Assert.That(device.IsWritable, Is.False);
        Assert.That(() => device.Write(0, new byte[1]), Throws.TypeOf<IOException>().With.Message.Contains("read-only"));
        Assert.That(device.Flush, Throws.TypeOf<IOException>());
        device.Discard(0, 100_000);
        Assert.That(File.ReadAllBytes(_path), Is.EqualTo(_bytes));
    }

    [Test]
    public void There_is_one_writer_and_readers_do_not_mind()
    {
        using FileBlockDevice early = FileBlockDevice.Open(_path, DeviceOpenOptions.Default);
        using (FileBlockDevice writer = FileBlockDevice.Open(_path, Writable))
        {
            Assert.That(() => FileBlockDevice.Open(_path, Writable), Throws.TypeOf<Btrfs.Format.InvalidRequestException>().With.Message.StartsWith($"{_path} is in use"));
            using FileBlockDevice late = FileBlockDevice.Open(_path, DeviceOpenOptions.Default);
            writer.Write(5, [1, 2, 3]);
            byte[] read = new byte[3];
            early.Read(5, read);
            Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3 }));
            late.Read(5, read);
            Assert.That(File.ReadAllBytes(_path)[5..8], Is.EqualTo(read));
        }

        FileBlockDevice.Open(_path, Writable).Dispose();
    }

    [Test]
    public void A_discard_leaves_all_other_bytes_alone()
    {
        using (FileBlockDevice device = FileBlockDevice.Open(_path, Writable))
        {
            device.Discard(8192, 65536);
            device.Discard(690_000, ulong.MaxValue);
            device.Discard(ulong.MaxValue, 1);
        }

        byte[] after = File.ReadAllBytes(_path);
        Assert.That(after, Has.Length.EqualTo(_bytes.Length));
        Assert.That(after.AsSpan(0, 8192).SequenceEqual(_bytes.AsSpan(0, 8192)));
        Assert.That(after.AsSpan(8192 + 65536, 600_000).SequenceEqual(_bytes.AsSpan(8192 + 65536, 600_000)));
    }

    private static DeviceOpenOptions Writable => new() { Writable = true };
}
