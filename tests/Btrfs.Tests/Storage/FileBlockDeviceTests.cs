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
}
