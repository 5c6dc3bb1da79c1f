"""Chinese names: variant characters, surnames of two characters, and toneless pinyin."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin

_VARIANTS = """陳陈 張张 劉刘 楊杨 趙赵 黃黄 吳吴 孫孙 馬马 羅罗 鄭郑 謝谢 韓韩 馮冯 蕭萧 肖萧 許许 傅傅 鄧邓
蔣蒋 賈贾 葉叶 閻阎 闫阎 餘余 鍾钟 鐘钟 薑姜 範范 譚谭 鄒邹 陸陆 龍龙 萬万 錢钱 湯汤 賀贺 賴赖 龔龚 顧顾 孟孟
邱邱 丘邱 呂吕 盧卢 蘇苏 國国 囯国 華华 偉伟 建建 強强 强强 軍军 勝胜 榮荣 蘭兰 鳳凤 蓮莲 雲云 貴贵 慶庆 輝辉
剛刚 寶宝 銀银 麗丽 紅红 靜静 愛爱 東东 長长 壽寿 義义 禮礼 興兴 發发 財财 學学 書书 傑杰 啟启 启启 開开 維维
衛卫 蘊蕴 瓊琼 鈴铃 鋒锋 鑫鑫 飛飞 歐欧 陽阳 諸诸 葛葛 司司 馬马 門门 連连 達达 遠远 進进 運运 過过 優优 億亿
亞亚 業业 歡欢 樂乐 樹树 橋桥 權权 濤涛 澤泽 潔洁 燕燕 瑩莹 環环 聖圣 聯联 聰聪 職职 藝艺 蔭荫 裡里 裏里 見见
詩诗 誠诚 賢贤 質质 車车 農农 選选 鎮镇 關关 陰阴 隆隆 雙双 雋隽 霧雾 韻韵 順顺 顏颜 願愿 風风 騰腾 驥骥 鵬鹏
麥麦 齊齐 峯峰 崑昆 嶽岳 羣群 秊年 喆哲 淼淼 昇升 陞升 脩修 甯宁 寧宁"""

VARIANTS = {pair[0]: pair[1] for pair in _VARIANTS.split()}
"""Traditional and variant characters of names, with the form that is compared; not a full conversion table."""

COMPOUND_SURNAMES = (
    "欧阳",
    "司马",
    "诸葛",
    "上官",
    "司徒",
    "东方",
    "独孤",
    "南宫",
    "夏侯",
    "尉迟",
    "皇甫",
    "公孙",
    "令狐",
    "宇文",
    "长孙",
    "慕容",
    "钟离",
    "闻人",
    "轩辕",
    "端木",
    "西门",
    "东郭",
    "百里",
    "呼延",
    "万俟",
    "太史",
    "申屠",
    "公羊",
    "淳于",
    "单于",
    "濮阳",
    "赫连",
    "澹台",
    "拓跋",
    "鲜于",
    "闾丘",
    "司空",
    "亓官",
    "仲孙",
    "宗政",
    "梁丘",
    "左丘",
    "第五",
    "南门",
    "东门",
    "公冶",
)

_SURNAME_READINGS = {
    "单": "shan",
    "曾": "zeng",
    "解": "xie",
    "仇": "qiu",
    "任": "ren",
    "区": "ou",
    "查": "zha",
    "朴": "piao",
    "盖": "ge",
    "翟": "zhai",
    "冼": "xian",
    "员": "yun",
    "缪": "miao",
    "尉迟": "yuchi",
    "万俟": "moqi",
    "长孙": "zhangsun",
    "单于": "chanyu",
    "澹台": "tantai",
    "覃": "qin",
    "乐": "yue",
    "宁": "ning",
    "召": "shao",
    "繁": "po",
    "种": "chong",
}
"""Characters with another reading in a surname."""


def pinyin(character: str) -> str:
    """Return a character's most frequent reading without tone; ü becomes u, because ids and passports differ on it."""
    return "".join(lazy_pinyin(character, style=Style.NORMAL)).replace("v", "u").replace("ü", "u")


def surname_pinyin(surname: str) -> str:
    """Return the reading of a surname."""
    return _SURNAME_READINGS.get(surname) or "".join(pinyin(character) for character in surname)
