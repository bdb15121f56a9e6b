using Btrfs.Ctree;
using Btrfs.Fuzz.Images;
using Btrfs.Inode;
using Btrfs.Inode.Data;
using Btrfs.Storage;

namespace Btrfs.Tests.Inode;

/// <summary>The committed images, opened in memory or laid out as files. What is in them: tests/Corpora/images/make.sh.</summary>
internal static class SampleImage
{
    private static readonly Lazy<IReadOnlyList<BaseImage>> s_images = new(BaseImage.LoadAll);

    public static IEnumerable<string> Names => ["mixed", "nodes16k", "single"];

    public static BaseImage Base(string name) => s_images.Value.Single(image => image.Name == name);

    public static FsInfo Open(string name = "single", IEnumerable<Patch>? damage = null) =>
        FsInfo.Open(DeviceSet.Open([ImageDevice.Damaged(Base(name).Bytes, damage ?? [])], DeviceOpenOptions.Default));

    /// <summary>Writes an image to a file, sparse.</summary>
    public static void WriteTo(string path, string name = "single")
    {
        SparseBytes bytes = Base(name).Bytes;
        using FileStream file = File.Create(path);
        file.SetLength(bytes.Length);
        for (int i = 0; i < bytes.PageCount; i++)
        {
            if (bytes.Page(i).ContainsAnyExcept((byte)0))
                RandomAccess.Write(file.SafeFileHandle, bytes.Page(i), (long)i * SparseBytes.PageSize);
        }
    }

    public static InodeStream OpenFile(FsInfo fs, FsPath path)
    {
        Location at = new PathLookup(fs).Find(path);
        return new InodeStream(at.Subvolume, at.Inode);
    }
}
