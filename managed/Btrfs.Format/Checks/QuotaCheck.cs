namespace Btrfs.Format;

/// <summary>The one quota item with two sizes: simple quotas added the generation that they were enabled in.</summary>
internal static class QuotaCheck
{
    private const int SizeWithEnableGeneration = QgroupStatusItem.Size + sizeof(ulong);

    public static void VerifyStatus(in LeafCursor item)
    {
        if (item.Data.Length is not (QgroupStatusItem.Size or SizeWithEnableGeneration))
            throw item.Corrupt($"invalid qgroup status size, have {item.Data.Length} expect {QgroupStatusItem.Size} or {SizeWithEnableGeneration}");
    }
}
